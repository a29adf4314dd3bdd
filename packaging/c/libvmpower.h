/*
 * libvmpower.h: what a program in a VM needs to ask the host for the clock of its vCPUs, over a virtio port, without
 * a library.
 *
 * SPDX-License-Identifier: MIT (its text is at the end). C11 or C++17, Linux, little-endian. Copy this file or include
 * it. With -std=c11 it wants to be the first include, or _POSIX_C_SOURCE to be 200809L.
 *
 *     struct vmpower port;
 *     int no = vmpower_open(&port, VMPOWER_PORT "0", "", 100);
 *     if (no == 0) no = vmpower_hello(&port, 0, 10, NULL, 100);              claims end after 10 s of silence
 *     if (no == 0) no = vmpower_set_khz(&port, 0, 2200000, 0, NULL, 100);    vCPU 0: 2.2 GHz, rounded up
 *     if (no != 0) fprintf(stderr, "%s\n", vmpower_why(&port, no));
 *
 * A port has one opener. Where vmpower-guest's agent runs, it is the agent: ask its socket instead.
 *
 * Every function returns 0 when it is done, more than 0 when the host says no (a status, its sentence in port->text),
 * and less than 0 when there is no answer, a negative errno. -ENOTCONN: nobody holds the host's end; a device comes to
 * life again by itself, and HELLO is said anew. -ETIMEDOUT: no answer within timeout_ms (0 to 60000, for the call as a
 * whole). -EINVAL: an argument is out of its range, and nothing was sent. Whatever the host sends, no call waits
 * longer, writes past a struct, or leaves a text without its NUL. `answer` may be NULL where only the outcome counts;
 * unless the host says done, all of it is zero.
 *
 * Names that end in _ are this file's own. A struct vmpower is used by one thread at a time. Nothing here allocates,
 * starts a thread or handles a signal.
 */
#ifndef LIBVMPOWER_H
#define LIBVMPOWER_H

#if defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) && !defined(_GNU_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if !defined(CLOCK_MONOTONIC) || !defined(O_CLOEXEC)
#error "include libvmpower.h before all else, or compile with -D_POSIX_C_SOURCE=200809L"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the wire is little-endian, and these structs are written as they lie in memory"
#endif

/* The port of a vCPU: this, then its number. */
#define VMPOWER_PORT "/dev/virtio-ports/virtio.serial.port.poweragent."

enum {
	VMPOWER_FRAME = 464,     /* bytes of a request, and of every reply but the two lists of DPDK's host */
	VMPOWER_FREQ_LIST = 88,  /* bytes of these */
	VMPOWER_CAPS_LIST = 184,
	VMPOWER_NAME = 32,       /* bytes of a VM's name, its NUL included */
	VMPOWER_TEXT = 208,      /* bytes of a sentence, its NUL included */
	VMPOWER_MAX_LEASE_S = 3600,
	VMPOWER_MAX_TIMEOUT_MS = 60000
};

/* command of a request that DPDK's host knows too, and of its replies. */
enum {
	VMPOWER_CPU_POWER = 1, VMPOWER_CONNECT, VMPOWER_PKT_POLICY, VMPOWER_PKT_POLICY_REMOVE,
	VMPOWER_QUERY_FREQ_LIST = 7, VMPOWER_QUERY_FREQ, VMPOWER_QUERY_CAPS_LIST, VMPOWER_QUERY_CAPS,
	VMPOWER_IS_ACK = 1, VMPOWER_IS_NACK, VMPOWER_IS_FREQ_LIST, VMPOWER_IS_CAPS_LIST
};

/* command of a request of the extension; its answer's has VMPOWER_ANSWER set. */
enum {
	VMPOWER_HELLO = 0x564d0001, VMPOWER_PING, VMPOWER_SCALE, VMPOWER_SET_KHZ, VMPOWER_RELEASE,
	VMPOWER_FREQS, VMPOWER_STATE, VMPOWER_LIST, VMPOWER_POLICY_REMOVE, VMPOWER_ENERGY,
	VMPOWER_ANSWER = 0x8000,
	VMPOWER_NOTICE = 0x564dc001
};

/* Steps of a clock: unit. */
enum { VMPOWER_UP = 1, VMPOWER_DOWN, VMPOWER_MAX, VMPOWER_MIN, VMPOWER_TURBO_ON, VMPOWER_TURBO_OFF };

/* flags of HELLO, SET_KHZ and RELEASE, of STATE's answer and of FREQS's; caps of LIST's. */
enum { VMPOWER_NOTICES = 1, VMPOWER_TURBO = 1, VMPOWER_ALL = 1 };
enum { VMPOWER_HAS_TURBO = 1, VMPOWER_TURBO_ALLOWED = 2 };
enum { VMPOWER_TURBO_AT_START = 1 };
enum { VMPOWER_CAP_TURBO = 1, VMPOWER_CAP_PRIORITY = 2 };

/* status of an answer: what a function returns. */
enum {
	VMPOWER_DONE, VMPOWER_E_UNKNOWN_COMMAND, VMPOWER_E_BAD_VALUE, VMPOWER_E_NO_HELLO, VMPOWER_E_FAILED,
	VMPOWER_E_NAME_MISMATCH = 16, VMPOWER_E_NAMES_PCPU, VMPOWER_E_NO_SUCH_VCPU, VMPOWER_E_NOT_PINNED,
	VMPOWER_E_FLOATING, VMPOWER_E_NO_CPUFREQ, VMPOWER_E_NO_TURBO, VMPOWER_E_TURBO_OFF, VMPOWER_E_COMMAND_OFF,
	VMPOWER_E_RATE, VMPOWER_E_QUERIES_OFF,
	VMPOWER_E_POLICY_LACKS = 28, VMPOWER_E_NO_INTERFACE, VMPOWER_E_MAC_NOWHERE, VMPOWER_E_NO_BRANCH_COUNTERS,
	VMPOWER_E_NOT_LISTED, VMPOWER_E_CLOCK_HUNG, VMPOWER_E_NO_METER,
	VMPOWER_E_OTHER = 0xffff /* never sent: a NACK, which has no reason, or a status above this */
};

/* decided_by and clipped_by of STATE's answer, what of a notice. */
enum { VMPOWER_NOBODY, VMPOWER_THIS_VCPU, VMPOWER_THIS_VM, VMPOWER_OTHER_VM, VMPOWER_POLICY, VMPOWER_OPERATOR };
enum { VMPOWER_NOT_CLIPPED, VMPOWER_VM_LIMITS, VMPOWER_SITE_LIMITS };
enum { VMPOWER_HOST_SLEEPS = 1, VMPOWER_HOST_AWAKE };

/* DPDK's packets: rte_power_channel_packet, _freq_list and _caps_list of rte_power_guest_channel.h. */
struct vmpower_packet {
	uint64_t resource_id;    /* the vCPU */
	uint32_t unit, command;
	char vm_name[VMPOWER_NAME];
	uint64_t vfid[10];       /* MACs, 6 bytes each in the low bytes, in memory order */
	int32_t nb_mac_to_monitor;
	uint32_t traffic_policy[3]; /* min, avg_max, max_max packets per second */
	uint8_t vcpu_to_control[8], num_vcpu;
	int32_t busy_hours[24], quiet_hours[24], hours_to_use_traffic_profile[24];
	uint8_t core_type;       /* 0: resource_id is a vCPU */
	uint32_t workload, policy_to_use;
	uint8_t t_boost_status;
};
struct vmpower_freq_list {
	uint64_t resource_id;
	uint32_t unit, command;
	char vm_name[VMPOWER_NAME];
	uint32_t freq_list[8];
	uint8_t num_vcpu;
};
struct vmpower_caps_list {
	uint64_t resource_id;
	uint32_t unit, command;
	char vm_name[VMPOWER_NAME];
	uint64_t turbo[8], priority[8];
	uint8_t num_vcpu;
};

/* The extension's. What stands between the last member and the end is zero; zero_ is never looked at. */
#define VMPOWER_HEAD uint64_t resource_id; uint32_t sequence, command; char vm_name[VMPOWER_NAME]
#define VMPOWER_ASK(name, bytes, ...) \
	struct name { VMPOWER_HEAD; __VA_ARGS__ uint8_t zero_[VMPOWER_FRAME - 48 - (bytes)]; }
#define VMPOWER_SAY(name, bytes, ...) \
	struct name { VMPOWER_HEAD; uint32_t status, pad_; __VA_ARGS__ uint8_t zero_[200 - (bytes)]; char text[VMPOWER_TEXT]; }

VMPOWER_ASK(vmpower_request, 0, );
VMPOWER_ASK(vmpower_hello_ask, 12, uint32_t version; uint32_t lease_s; uint32_t flags;);
VMPOWER_ASK(vmpower_scale_ask, 4, uint32_t unit;);
VMPOWER_ASK(vmpower_set_khz_ask, 8, uint32_t khz; uint32_t flags;);
VMPOWER_ASK(vmpower_release_ask, 4, uint32_t flags;);
VMPOWER_ASK(vmpower_page_ask, 4, uint32_t first;); /* of FREQS and LIST */

VMPOWER_SAY(vmpower_answer, 0, );
VMPOWER_SAY(vmpower_hello_answer, 12, uint32_t version; uint32_t lease_s; uint32_t vcpus;);
VMPOWER_SAY(vmpower_ping_answer, 4, uint32_t lapses;);
VMPOWER_SAY(vmpower_claim_answer, 8, uint32_t wish_khz; uint32_t target_khz;);
VMPOWER_SAY(vmpower_freqs_answer, 180,
	uint32_t total; uint32_t first; uint32_t count; uint32_t nominal; uint32_t khz[40]; uint32_t flags;);
VMPOWER_SAY(vmpower_state_answer, 68,
	uint32_t wish_khz; uint32_t target_khz; uint32_t current_khz; uint32_t floor_khz;
	uint32_t ceiling_khz; uint32_t lowest_khz; uint32_t highest_khz; uint32_t nominal_khz;
	uint32_t own_claims; uint32_t other_vms; uint32_t decided_by; uint32_t winner;
	uint32_t clipped_by; uint32_t flags; uint32_t lease_left_ms; uint32_t last_status;
	uint32_t last_ago_s;);
VMPOWER_SAY(vmpower_list_answer, 172,
	uint32_t total; uint32_t first; uint32_t count; uint32_t khz[32]; uint8_t caps[32];);
VMPOWER_SAY(vmpower_policy_remove_answer, 4, uint32_t removed;);
VMPOWER_SAY(vmpower_energy_answer, 20,
	uint64_t joules; uint32_t seconds; uint32_t period_s; uint32_t resolution_j;);
VMPOWER_ASK(vmpower_notice, 24, uint64_t none_; uint32_t what; uint32_t slept_s; uint64_t wake_s;);

/* A frame that is not what the host's compiler made of it does not compile. */
#ifdef __cplusplus
#define VMPOWER_CHECK(sure) static_assert(sure, #sure)
#else
#define VMPOWER_CHECK(sure) _Static_assert(sure, #sure)
#endif
VMPOWER_CHECK(sizeof(struct vmpower_packet) == VMPOWER_FRAME && offsetof(struct vmpower_packet, t_boost_status) == 456);
VMPOWER_CHECK(sizeof(struct vmpower_freq_list) == VMPOWER_FREQ_LIST);
VMPOWER_CHECK(sizeof(struct vmpower_caps_list) == VMPOWER_CAPS_LIST);
VMPOWER_CHECK(sizeof(struct vmpower_hello_ask) == VMPOWER_FRAME);
VMPOWER_CHECK(offsetof(struct vmpower_hello_ask, version) == 48);
VMPOWER_CHECK(sizeof(struct vmpower_state_answer) == VMPOWER_FRAME);
VMPOWER_CHECK(offsetof(struct vmpower_state_answer, text) == 256);
VMPOWER_CHECK(sizeof(struct vmpower_notice) == VMPOWER_FRAME && offsetof(struct vmpower_notice, wake_s) == 64);

/* An open port. fd and text may be read; the rest belongs to the functions. */
struct vmpower {
	int fd;                  /* -1 once it is closed */
	char text[VMPOWER_TEXT]; /* the host's sentence of its last no; empty where it gave none */
	uint32_t version;        /* that HELLO agreed on; 0 before, and with a host that speaks DPDK's packets alone */
	uint32_t sequence;
	char vm_name[VMPOWER_NAME];
	int is_socket;
	int64_t read_ms;         /* when something was read last */
	size_t held;             /* bytes of `bytes` that are in use */
	unsigned char bytes[4096];
};

static inline int64_t vmpower_clock_ms_(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Returns the bytes of the reply that starts with these: 16 while its command is not there yet, 0 for what can't be
 * one.
 */
static inline size_t vmpower_reply_bytes(const void *bytes, size_t count)
{
	uint32_t command;

	if (count < 16)
		return 16;
	memcpy(&command, (const unsigned char *)bytes + 12, sizeof(command));
	switch (command) {
	case VMPOWER_IS_ACK: case VMPOWER_IS_NACK: return VMPOWER_FRAME;
	case VMPOWER_IS_FREQ_LIST: return VMPOWER_FREQ_LIST;
	case VMPOWER_IS_CAPS_LIST: return VMPOWER_CAPS_LIST;
	default: return command > 0x564d0000u && command <= 0x564dffffu ? VMPOWER_FRAME : 0;
	}
}

/* Closes the port. The host does not notice: claims end by release or with their lease. */
static inline void vmpower_close(struct vmpower *port)
{
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

/* Waits until the port can be read or written. -ETIMEDOUT, or -ENOTCONN: nobody is at the other end. */
static inline int vmpower_wait_(struct vmpower *port, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd one = { port->fd, events, 0 };
		int64_t left = deadline - vmpower_clock_ms_();
		int ready = poll(&one, 1, left > 0 ? (int)left : 0);

		if (ready > 0)
			return one.revents & events ? 0 : -ENOTCONN;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (left <= 0)
			return -ETIMEDOUT;
	}
}

/* Sends one request whole. A port that took only half of it is closed (-EIO): what followed would be out of step. */
static inline int vmpower_send_(struct vmpower *port, const void *frame, int64_t deadline)
{
	const unsigned char *bytes = (const unsigned char *)frame;
	size_t sent = 0;
	int no = 0;

	while (no == 0 && sent < VMPOWER_FRAME) {
		ssize_t wrote = port->is_socket ? send(port->fd, bytes + sent, VMPOWER_FRAME - sent, MSG_NOSIGNAL)
		                                : write(port->fd, bytes + sent, VMPOWER_FRAME - sent);
		if (wrote > 0)
			sent += (size_t)wrote;
		else if (wrote == 0 || errno == EAGAIN || errno == EINTR)
			no = vmpower_wait_(port, POLLOUT, deadline);
		else
			no = errno == EPIPE || errno == ECONNRESET ? -ENOTCONN : -errno;
	}
	if (no == 0 || sent == 0)
		return no;
	vmpower_close(port);
	return -EIO;
}

/* Reads what is there now; returns how much. -ENOTCONN: a port reads 0 while nobody holds the host's end. */
static inline int vmpower_read_(struct vmpower *port)
{
	int64_t now = vmpower_clock_ms_();
	ssize_t got = read(port->fd, port->bytes + port->held, sizeof(port->bytes) - port->held);

	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return -ENOTCONN;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* A host writes a reply in one write: what follows silence begins one, and half a reply is given up. */
	if (now - port->read_ms > 100) {
		memmove(port->bytes, port->bytes + port->held, (size_t)got);
		port->held = 0;
	}
	port->read_ms = now;
	port->held += (size_t)got;
	return (int)got;
}

/*
 * Takes the next whole reply out of port->bytes; returns its size, 0 when there is none. What can't be one goes with
 * all that came with it.
 */
static inline size_t vmpower_next_(struct vmpower *port, unsigned char reply[VMPOWER_FRAME])
{
	size_t size = vmpower_reply_bytes(port->bytes, port->held);

	if (size == 0)
		port->held = 0;
	if (size == 0 || size > port->held)
		return 0;
	memset(reply, 0, VMPOWER_FRAME);
	memcpy(reply, port->bytes, size);
	port->held -= size;
	memmove(port->bytes, port->bytes + size, port->held);
	return size;
}

/*
 * Drops what an earlier program left unread, 1 MiB at most: a host that never stops sending must not keep a request
 * from being sent.
 */
static inline int vmpower_drain_(struct vmpower *port)
{
	unsigned char reply[VMPOWER_FRAME];
	int got = 1;

	for (size_t all = 0; got > 0 && all < 1u << 20; all += got > 0 ? (size_t)got : 0) {
		got = vmpower_read_(port);
		while (vmpower_next_(port, reply) > 0)
			;
	}
	return got < 0 ? got : 0;
}

/*
 * Whether `reply` answers `frame`: the extension's by its sequence, an ACK or NACK by the stamp at vfid[0], which is
 * the request's own.
 */
static inline int vmpower_answers_(const void *frame, const void *reply)
{
	struct vmpower_request ask, said;

	memcpy(&ask, frame, sizeof(ask));
	memcpy(&said, reply, sizeof(said));
	if (ask.command == VMPOWER_CPU_POWER)
		return said.command <= VMPOWER_IS_NACK && memcmp(ask.zero_, said.zero_, 8) == 0;
	return said.command == (ask.command | VMPOWER_ANSWER) && said.sequence == ask.sequence;
}

/* Sends `frame` and waits for its answer; replies to anything else are dropped. */
static inline int vmpower_exchange_(
	struct vmpower *port, const void *frame, unsigned char reply[VMPOWER_FRAME], int timeout_ms)
{
	int64_t deadline = vmpower_clock_ms_() + timeout_ms;
	int no;

	port->text[0] = '\0';
	if (timeout_ms < 0 || timeout_ms > VMPOWER_MAX_TIMEOUT_MS)
		return -EINVAL;
	if (port->fd < 0)
		return -EBADF;
	no = vmpower_drain_(port);
	if (no == 0)
		no = vmpower_send_(port, frame, deadline);
	while (no == 0) {
		while (vmpower_next_(port, reply) > 0)
			if (vmpower_answers_(frame, reply))
				return 0;
		no = vmpower_wait_(port, POLLIN, deadline);
		if (no == 0)
			no = vmpower_read_(port);
		if (no >= 0)
			no = vmpower_clock_ms_() > deadline ? -ETIMEDOUT : 0;
	}
	return no;
}

/*
 * Asks anything of the extension. `request` is one of the structs above with resource_id, command and what is asked;
 * its sequence and vm_name are set here. `answer` is the struct of its answer.
 */
static inline int vmpower_ask(struct vmpower *port, const void *request, void *answer, int timeout_ms)
{
	struct vmpower_request ask;
	struct vmpower_answer said;
	unsigned char reply[VMPOWER_FRAME];
	int no;

	if (answer != NULL)
		memset(answer, 0, VMPOWER_FRAME);
	memcpy(&ask, request, sizeof(ask));
	ask.sequence = ++port->sequence;
	memcpy(ask.vm_name, port->vm_name, sizeof(ask.vm_name));
	no = vmpower_exchange_(port, &ask, reply, timeout_ms);
	if (no != 0)
		return no;
	reply[47] = reply[VMPOWER_FRAME - 1] = 0;
	memcpy(&said, reply, sizeof(said));
	if (said.status == VMPOWER_DONE) {
		if (answer != NULL)
			memcpy(answer, reply, sizeof(reply));
		return 0;
	}
	memcpy(port->text, said.text, sizeof(port->text));
	return said.status < VMPOWER_E_OTHER ? (int)said.status : VMPOWER_E_OTHER;
}

/*
 * Opens a port and says CONNECT, which a host never answers. `path` is a device, or "unix:" and a socket's path;
 * `vm_name` is this VM as the host knows it, at most 31 bytes, or empty. -EBUSY: another program holds the port;
 * -ENOTTY: it is no port.
 */
static inline int vmpower_open(struct vmpower *port, const char *path, const char *vm_name, int timeout_ms)
{
	struct vmpower_packet connect_packet;
	struct sockaddr_un to;
	struct stat at;
	int64_t now = vmpower_clock_ms_();
	int no = 0;

	memset(port, 0, sizeof(*port));
	port->fd = -1;
	if (strlen(vm_name) >= VMPOWER_NAME || timeout_ms < 0 || timeout_ms > VMPOWER_MAX_TIMEOUT_MS)
		return -EINVAL;
	strcpy(port->vm_name, vm_name);
	/* Answers to an earlier program must not look like ours. */
	port->sequence = (uint32_t)now * 2654435761u ^ (uint32_t)getpid();
	port->is_socket = strncmp(path, "unix:", 5) == 0;
	if (port->is_socket) {
		memset(&to, 0, sizeof(to));
		to.sun_family = AF_UNIX;
		if (strlen(path + 5) >= sizeof(to.sun_path))
			return -ENAMETOOLONG;
		strcpy(to.sun_path, path + 5);
		port->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (port->fd >= 0 && connect(port->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			no = errno == ECONNREFUSED ? -ENOTCONN : -errno;
	} else {
		port->fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (port->fd >= 0 && fstat(port->fd, &at) != 0)
			no = -errno;
		else if (port->fd >= 0 && !S_ISCHR(at.st_mode))
			no = -ENOTTY;
	}
	if (port->fd < 0)
		return -errno;
	if (no == 0)
		no = vmpower_drain_(port);
	memset(&connect_packet, 0, sizeof(connect_packet));
	connect_packet.command = VMPOWER_CONNECT;
	if (no == 0)
		no = vmpower_send_(port, &connect_packet, now + timeout_ms);
	if (no != 0)
		vmpower_close(port);
	return no;
}

/* Asks with at most two members, at 48 and 52. A timeout_ms of -1 stands for members that are out of range. */
static inline int vmpower_say_(
	struct vmpower *port, uint32_t vcpu, uint32_t command, uint32_t at48, uint32_t at52, void *answer, int timeout_ms)
{
	struct vmpower_set_khz_ask ask;

	memset(&ask, 0, sizeof(ask));
	ask.resource_id = vcpu;
	ask.command = command;
	ask.khz = at48;
	ask.flags = at52;
	return vmpower_ask(port, &ask, answer, timeout_ms);
}

/*
 * Says HELLO, which comes before all else. Claims made from now on end lease_s seconds (0 to 3600) after the last
 * request; 0 for claims without an end. The answer has the lease granted. -ETIMEDOUT: the host speaks DPDK's packets
 * alone, and takes steps only.
 */
static inline int vmpower_hello(
	struct vmpower *port, uint32_t vcpu, uint32_t lease_s, struct vmpower_hello_answer *answer, int timeout_ms)
{
	struct vmpower_hello_answer said;
	int no = vmpower_say_(
		port, vcpu, VMPOWER_HELLO, 1, lease_s, &said, lease_s <= VMPOWER_MAX_LEASE_S ? timeout_ms : -1);

	if (no == 0)
		port->version = said.version;
	if (answer != NULL)
		*answer = said;
	return no;
}

/*
 * Renews the lease. `lapses` counts up when claims ended with it: make them again. VMPOWER_E_NO_HELLO: the host is a
 * new one.
 */
static inline int vmpower_ping(struct vmpower *port, uint32_t vcpu, struct vmpower_ping_answer *answer, int timeout_ms)
{
	return vmpower_say_(port, vcpu, VMPOWER_PING, 0, 0, answer, timeout_ms);
}

/*
 * Moves a vCPU's clock by a step, VMPOWER_UP to VMPOWER_TURBO_OFF. Before HELLO was answered it is DPDK's CPU_POWER,
 * which every host knows: then it has no lease, the answer stays zero, and a NACK is VMPOWER_E_OTHER without a text.
 */
static inline int vmpower_scale(
	struct vmpower *port, uint32_t vcpu, uint32_t unit, struct vmpower_claim_answer *answer, int timeout_ms)
{
	struct vmpower_packet packet;
	unsigned char reply[VMPOWER_FRAME];
	int no;

	if (unit < VMPOWER_UP || unit > VMPOWER_TURBO_OFF)
		timeout_ms = -1;
	if (port->version > 0)
		return vmpower_say_(port, vcpu, VMPOWER_SCALE, unit, 0, answer, timeout_ms);
	if (answer != NULL)
		memset(answer, 0, sizeof(*answer));
	memset(&packet, 0, sizeof(packet));
	packet.resource_id = vcpu;
	packet.command = VMPOWER_CPU_POWER;
	packet.unit = unit;
	memcpy(packet.vm_name, port->vm_name, sizeof(packet.vm_name));
	packet.vfid[0] = (uint64_t)getpid() << 32 | ++port->sequence;
	no = vmpower_exchange_(port, &packet, reply, timeout_ms);
	return no == 0 && reply[12] == VMPOWER_IS_NACK ? VMPOWER_E_OTHER : no;
}

/*
 * Asks for a frequency in kHz (from 1), rounded up to the clock's next; with VMPOWER_TURBO in flags a turbo frequency
 * too.
 */
static inline int vmpower_set_khz(
	struct vmpower *port, uint32_t vcpu, uint32_t khz, uint32_t flags, struct vmpower_claim_answer *answer, int timeout_ms)
{
	if (khz == 0 || flags > VMPOWER_TURBO)
		timeout_ms = -1;
	return vmpower_say_(port, vcpu, VMPOWER_SET_KHZ, khz, flags, answer, timeout_ms);
}

/* Ends the claim on a vCPU, or with VMPOWER_ALL in flags all claims of this port. */
static inline int vmpower_release(
	struct vmpower *port, uint32_t vcpu, uint32_t flags, struct vmpower_claim_answer *answer, int timeout_ms)
{
	if (flags > VMPOWER_ALL)
		timeout_ms = -1;
	return vmpower_say_(port, vcpu, VMPOWER_RELEASE, flags, 0, answer, timeout_ms);
}

/* What a vCPU's clock is, who decides it and which limits clip. VMPOWER_E_QUERIES_OFF: this VM may not ask. */
static inline int vmpower_state(
	struct vmpower *port, uint32_t vcpu, struct vmpower_state_answer *answer, int timeout_ms)
{
	return vmpower_say_(port, vcpu, VMPOWER_STATE, 0, 0, answer, timeout_ms);
}

/* A page of the clock's frequencies, descending, from number `first` on; `count` of them, at most 40. */
static inline int vmpower_freqs(
	struct vmpower *port, uint32_t vcpu, uint32_t first, struct vmpower_freqs_answer *answer, int timeout_ms)
{
	int no = vmpower_say_(port, vcpu, VMPOWER_FREQS, first, 0, answer, timeout_ms);

	if (answer != NULL && answer->count > 40)
		answer->count = 40;
	return no;
}

/* A page of the VM's vCPUs, from number `first` on; `count` of them, at most 32. `vcpu` is whose port this is. */
static inline int vmpower_list(
	struct vmpower *port, uint32_t vcpu, uint32_t first, struct vmpower_list_answer *answer, int timeout_ms)
{
	int no = vmpower_say_(port, vcpu, VMPOWER_LIST, first, 0, answer, timeout_ms);

	if (answer != NULL && answer->count > 32)
		answer->count = 32;
	return no;
}

/*
 * The joules of the VM since the host began to count for it, with this question or before; they change every period_s
 * seconds. `vcpu` is whose port this is. VMPOWER_E_NO_METER: the host can't tell them. VMPOWER_E_UNKNOWN_COMMAND: it is
 * too old.
 */
static inline int vmpower_energy(
	struct vmpower *port, uint32_t vcpu, struct vmpower_energy_answer *answer, int timeout_ms)
{
	return vmpower_say_(port, vcpu, VMPOWER_ENERGY, 0, 0, answer, timeout_ms);
}

/* Returns the sentence for what a function returned: the host's own where it gave one. */
static inline const char *vmpower_why(const struct vmpower *port, int no)
{
	if (no == 0)
		return "done";
	if (no > 0)
		return port->text[0] != '\0' ? port->text : "refused by the host, which gives no reason";
	switch (-no) {
	case ENOTCONN: return "nobody holds the host's end of the port";
	case ETIMEDOUT: return "the host did not answer in time";
	case EBUSY: return "another program holds the port";
	case ENOTTY: return "that is no virtio port";
	case EIO: return "half a request went out; the port was closed";
	default: return strerror(-no);
	}
}

/*
 * MIT License
 *
 * Copyright (c) 2026 The powermon authors
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy
 * of this software and associated documentation files (the "Software"), to deal
 * in the Software without restriction, including without limitation the rights
 * to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
 * copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in all
 * copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 * IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 * FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 * AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 * LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 * OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 * SOFTWARE.
 */

#endif
