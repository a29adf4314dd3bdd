/* Plays QEMU and its guests: without a client in C the bench would time itself instead of the host.
 * usage: client CHANNEL-DIR VMS CHANNELS-PER-VM
 * Listens on <dir>/vm<K>.<N>, says "listening", waits until the host is on all of them, sends CONNECT, says "ready",
 * then obeys stdin, one line of JSON for each command:
 *   ping COUNT           one request at a time on the first channel
 *   flood WINDOW COUNT   WINDOW requests outstanding on every channel, COUNT in all
 *   canary FLOODS COUNT  a request every 5 ms on the last channel, while the first FLOODS are written to as fast as they take it
 *                        (the last command of a client: those channels are left in the middle of something)
 * Units alternate MAX, MIN. An answer must be the request's own bytes with command ACK, in the order of the requests. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* struct rte_power_channel_packet, DPDK drivers/power/kvm_vm/rte_power_guest_channel.h */
enum { FRAME = 464, UNIT_AT = 8, COMMAND_AT = 12, NAME_AT = 16, NAME_SIZE = 32, SEQUENCE_AT = 48 /* vfid[0], unused */ };
enum { UNIT_MAX = 3, UNIT_MIN = 4 };
enum { VCPUS = 8 /* of each VM; more channels begin again at vCPU 0 */ };
enum { CPU_POWER = 1, CONNECT = 2, ACK = 1 };
enum { WINDOW_MAX = 64, SETTLE_MS = 300 /* a guest is silent around its CONNECT */ };
enum { FLOOD_FRAMES = 64 /* in one write */, CANARY_MS = 5, FLOOD_MS = 500 /* until a flood is at its height */ };
enum { CONNECT_TIMEOUT_MS = 20000, REPLY_TIMEOUT_MS = 5000 };

struct channel {
	int listener, fd;
	unsigned number;
	uint64_t vcpu, sent, acked; /* sequence numbers */
	char vm[NAME_SIZE], path[108];
	uint64_t sent_at[WINDOW_MAX]; /* ns, by sequence modulo WINDOW_MAX */
	size_t held;
	uint8_t in[WINDOW_MAX * FRAME];
};

static struct channel *channels;
static unsigned channel_count;
static uint32_t *times; /* ns */

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void packet(const struct channel *c, uint64_t sequence, uint32_t command, uint8_t *out)
{
	uint32_t unit = sequence & 1 ? UNIT_MIN : UNIT_MAX;
	memset(out, 0, FRAME);
	memcpy(out, &c->vcpu, sizeof c->vcpu);
	memcpy(out + UNIT_AT, &unit, sizeof unit);
	memcpy(out + COMMAND_AT, &command, sizeof command);
	memcpy(out + NAME_AT, c->vm, NAME_SIZE);
	memcpy(out + SEQUENCE_AT, &sequence, sizeof sequence);
}

static int request(struct channel *c)
{
	uint8_t out[FRAME];
	packet(c, c->sent, CPU_POWER, out);
	c->sent_at[c->sent % WINDOW_MAX] = now_ns();
	c->sent++;
	return send(c->fd, out, FRAME, MSG_NOSIGNAL | MSG_DONTWAIT) == FRAME ? 0 : -1;
}

/* Takes what has arrived; adds to *wrong what is no right answer, stores a time for each that is. Returns -1 at the end of the stream. */
static int replies(struct channel *c, uint64_t *acked, uint64_t *wrong)
{
	ssize_t n = recv(c->fd, c->in + c->held, sizeof c->in - c->held, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	uint64_t now = now_ns();
	size_t at = 0;
	for (c->held += (size_t)n; c->held - at >= FRAME; at += FRAME) {
		uint8_t want[FRAME];
		packet(c, c->acked, ACK, want);
		if (c->acked == c->sent || memcmp(c->in + at, want, FRAME) != 0) {
			++*wrong;
			continue;
		}
		times[(*acked)++] = (uint32_t)(now - c->sent_at[c->acked++ % WINDOW_MAX]);
	}
	memmove(c->in, c->in + at, c->held -= at);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static double us(uint64_t count, double share)
{
	return count == 0 ? 0 : times[(uint64_t)((double)(count - 1) * share)] / 1000.0;
}

static void report(uint64_t sent, uint64_t acked, uint64_t wrong, uint64_t ns)
{
	qsort(times, acked, sizeof *times, by_size);
	printf("{\"sent\":%lu,\"acked\":%lu,\"wrong\":%lu,\"missing\":%lu,\"seconds\":%.6f,\"p50\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}\n",
	       sent, acked, wrong, sent - acked, (double)ns / 1e9, us(acked, 0.5), us(acked, 0.99), us(acked, 0.999), us(acked, 1));
	fflush(stdout);
}

/* Ends early, with answers missing, when one is wrong or none arrives for REPLY_TIMEOUT_MS. */
static void drive(unsigned active, unsigned window, uint64_t count)
{
	uint64_t sent = 0, acked = 0, wrong = 0, start = now_ns();
	struct epoll_event ready[256];
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	times = realloc(times, count * sizeof *times);
	if (ep < 0 || !times)
		err(1, "Cannot prepare %lu requests", count);
	for (unsigned i = 0; i < channel_count; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &channels[i] };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, channels[i].fd, &ev) < 0)
			err(1, "Cannot watch \"%s\"", channels[i].path);
	}
	for (unsigned w = 0; w < window; w++)
		for (unsigned i = 0; i < active && sent < count; i++, sent++)
			if (request(&channels[i]) < 0)
				err(1, "Cannot send on \"%s\"", channels[i].path);
	while (acked < sent && wrong == 0 && (n = epoll_wait(ep, ready, 256, REPLY_TIMEOUT_MS)) > 0)
		for (int i = 0; i < n; i++) {
			struct channel *c = ready[i].data.ptr;
			if (replies(c, &acked, &wrong) < 0)
				errx(1, "The host left \"%s\"", c->path);
			for (; sent < count && c < channels + active && c->sent - c->acked < window; sent++)
				if (request(c) < 0)
					err(1, "Cannot send on \"%s\"", c->path);
		}
	uint64_t ns = now_ns() - start;
	for (unsigned i = 0; i < channel_count; i++) { /* nothing may be left over: one answer a request */
		replies(&channels[i], &acked, &wrong);
		wrong += channels[i].held > 0;
	}
	close(ep);
	report(sent, acked, wrong, ns);
}

/* Writes to the first `floods` channels whatever they take, and reads what comes back, in a process of its own until it is killed. */
static pid_t flood(unsigned floods)
{
	static uint8_t out[FLOOD_FRAMES * FRAME], in[1 << 16];
	size_t *at = calloc(floods, sizeof *at);
	struct epoll_event ready[256];
	pid_t pid = fork();
	if (pid < 0 || !at)
		err(1, "Cannot flood");
	if (pid > 0) {
		free(at);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	for (unsigned i = 0; i < floods; i++)
		epoll_ctl(ep, EPOLL_CTL_ADD, channels[i].fd, &(struct epoll_event){ .events = EPOLLIN | EPOLLOUT, .data.u32 = i });
	while ((n = epoll_wait(ep, ready, 256, -1)) >= 0)
		for (int e = 0; e < n; e++) {
			unsigned i = ready[e].data.u32;
			if (ready[e].events & EPOLLIN && recv(channels[i].fd, in, sizeof in, MSG_DONTWAIT) == 0)
				_exit(0);
			if (!(ready[e].events & EPOLLOUT))
				continue;
			for (unsigned f = 0; f < FLOOD_FRAMES; f++)
				packet(&channels[i], f, CPU_POWER, out + f * FRAME);
			ssize_t sent = send(channels[i].fd, out + at[i], sizeof out - at[i], MSG_NOSIGNAL | MSG_DONTWAIT);
			if (sent > 0)
				at[i] = (at[i] + (size_t)sent) % sizeof out;
		}
	_exit(1);
}

static void canary(unsigned floods, uint64_t count)
{
	struct channel *c = &channels[channel_count - 1];
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	uint64_t acked = 0, wrong = 0, sent = 0;
	times = realloc(times, count * sizeof *times);
	pid_t pid = floods > 0 ? flood(floods) : 0;
	if (floods > 0)
		poll(NULL, 0, FLOOD_MS);
	uint64_t start = now_ns(), next = start;
	for (; sent < count && wrong == 0; sent++) {
		struct timespec due = { .tv_sec = (time_t)(next / 1000000000u), .tv_nsec = (long)(next % 1000000000u) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		if (request(c) < 0)
			err(1, "Cannot send on \"%s\"", c->path);
		while (acked <= sent && wrong == 0 && poll(&p, 1, REPLY_TIMEOUT_MS) > 0)
			if (replies(c, &acked, &wrong) < 0)
				errx(1, "The host left \"%s\"", c->path);
		if (acked <= sent)
			break;
		next = next + CANARY_MS * 1000000u > now_ns() ? next + CANARY_MS * 1000000u : now_ns();
	}
	if (pid > 0 && (kill(pid, SIGKILL) < 0 || waitpid(pid, NULL, 0) < 0))
		err(1, "Cannot end the flood");
	report(sent, acked, wrong, now_ns() - start);
}

static void listen_all(const char *dir, unsigned vms, unsigned each)
{
	channel_count = vms * each;
	channels = calloc(channel_count, sizeof *channels);
	rlim_t files = 2 * channel_count + 64;
	if (!channels || setrlimit(RLIMIT_NOFILE, &(struct rlimit){ files, files }) < 0)
		err(1, "Cannot hold %u channels", channel_count);
	for (unsigned i = 0; i < channel_count; i++) {
		struct channel *c = &channels[i];
		struct sockaddr_un at = { .sun_family = AF_UNIX };
		c->number = i % each;
		c->vcpu = c->number % VCPUS;
		snprintf(c->vm, sizeof c->vm, "vm%u", i / each);
		if (snprintf(c->path, sizeof c->path, "%s/%s.%u", dir, c->vm, c->number) >= (int)sizeof c->path)
			errx(2, "The folder's name \"%s\" is too long for a socket", dir);
		memcpy(at.sun_path, c->path, sizeof at.sun_path);
		c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (c->listener < 0 || bind(c->listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(c->listener, 1) < 0)
			err(1, "Cannot listen on \"%s\"", c->path);
	}
}

static void accept_all(void)
{
	uint64_t deadline = now_ns() + CONNECT_TIMEOUT_MS * 1000000ull;
	for (unsigned i = 0; i < channel_count; i++) {
		struct pollfd p = { .fd = channels[i].listener, .events = POLLIN };
		int64_t left = (int64_t)(deadline - now_ns()) / 1000000;
		if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
			errx(1, "The host did not connect to \"%s\" in %d ms", channels[i].path, CONNECT_TIMEOUT_MS);
		if ((channels[i].fd = accept4(p.fd, NULL, NULL, SOCK_CLOEXEC)) < 0)
			err(1, "Cannot accept on \"%s\"", channels[i].path);
	}
	poll(NULL, 0, SETTLE_MS);
	for (unsigned i = 0; i < channel_count; i++) {
		uint8_t hello[FRAME];
		packet(&channels[i], 0, CONNECT, hello);
		if (send(channels[i].fd, hello, FRAME, MSG_NOSIGNAL) != FRAME)
			err(1, "Cannot send on \"%s\"", channels[i].path);
	}
	poll(NULL, 0, SETTLE_MS);
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned vms = argc == 4 ? (unsigned)atoi(argv[2]) : 0, each = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
	if (vms == 0 || each == 0)
		errx(2, "usage: client CHANNEL-DIR VMS CHANNELS-PER-VM");
	listen_all(argv[1], vms, each);
	say("listening");
	accept_all();
	say("ready");
	char line[128];
	while (fgets(line, sizeof line, stdin)) {
		unsigned window;
		uint64_t count;
		if (sscanf(line, "ping %lu", &count) == 1 && count > 0)
			drive(1, 1, count);
		else if (sscanf(line, "flood %u %lu", &window, &count) == 2 && window > 0 && window <= WINDOW_MAX && count > 0)
			drive(channel_count, window, count);
		else if (sscanf(line, "canary %u %lu", &window, &count) == 2 && window < channel_count && count > 0)
			canary(window, count);
		else
			errx(2, "Cannot obey \"%s\"", line);
	}
	for (unsigned i = 0; i < channel_count; i++)
		unlink(channels[i].path);
}
