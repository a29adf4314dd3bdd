/* The least a host can do per request: without it a time of powermon's would have nothing to be compared with.
 * usage: yardstick CHANNEL-DIR SYSFS-ROOT   connects to every <vm>.<n> in CHANNEL-DIR, serves until SIGTERM.
 * It trusts its guests, arbitrates nothing and restores nothing. vCPU n drives CPU n modulo the number of CPUs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* struct rte_power_channel_packet, DPDK drivers/power/kvm_vm/rte_power_guest_channel.h */
enum { FRAME = 464, UNIT_AT = 8, COMMAND_AT = 12 };
enum { UNIT_UP = 1, UNIT_DOWN, UNIT_MAX, UNIT_MIN };
enum { CPU_POWER = 1, ACK = 1, NACK = 2 };
enum { MAX_CPUS = 1024, MAX_STEPS = 32, BATCH = 32 };

static struct cpu {
	int setspeed, steps, at;
	char text[MAX_STEPS][16]; /* descending, each with its newline */
} cpus[MAX_CPUS];
static unsigned cpu_count;

struct channel {
	int fd;
	size_t held;
	uint8_t in[BATCH * FRAME];
};

static void open_cpus(const char *root)
{
	char path[4096], line[1024];
	for (; cpu_count < MAX_CPUS; cpu_count++) {
		struct cpu *c = &cpus[cpu_count];
		const char *form = "%s/devices/system/cpu/cpufreq/policy%u/%s";
		snprintf(path, sizeof path, form, root, cpu_count, "scaling_available_frequencies");
		FILE *f = fopen(path, "re");
		if (!f)
			break;
		if (!fgets(line, sizeof line, f))
			err(1, "Cannot read \"%s\"", path);
		fclose(f);
		for (char *word = strtok(line, " \n"); word && c->steps < MAX_STEPS; word = strtok(NULL, " \n"))
			snprintf(c->text[c->steps++], sizeof c->text[0], "%.12s\n", word);
		snprintf(path, sizeof path, form, root, cpu_count, "scaling_setspeed");
		c->setspeed = open(path, O_WRONLY | O_CLOEXEC);
		if (c->setspeed < 0 || c->steps == 0)
			err(1, "Cannot open \"%s\"", path);
	}
	if (cpu_count == 0)
		errx(1, "Cannot find a cpufreq policy under \"%s\"", root);
}

static void connect_all(const char *dir, int ep)
{
	DIR *d = opendir(dir);
	if (!d)
		err(1, "Cannot open \"%s\"", dir);
	for (struct dirent *e; (e = readdir(d));) {
		struct sockaddr_un to = { .sun_family = AF_UNIX };
		if (e->d_type != DT_SOCK)
			continue;
		snprintf(to.sun_path, sizeof to.sun_path, "%.50s/%.50s", dir, e->d_name);
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
			err(1, "Cannot connect to \"%s\"", to.sun_path);
		struct channel *c = calloc(1, sizeof *c);
		if (!c)
			err(1, "Cannot allocate a channel");
		c->fd = fd;
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			err(1, "Cannot watch \"%s\"", to.sun_path);
	}
	closedir(d);
}

/* Returns the reply's command, or 0 when the packet gets none. */
static uint32_t serve(const uint8_t *frame)
{
	uint64_t vcpu;
	uint32_t unit, command;
	memcpy(&vcpu, frame, sizeof vcpu);
	memcpy(&unit, frame + UNIT_AT, sizeof unit);
	memcpy(&command, frame + COMMAND_AT, sizeof command);
	if (command != CPU_POWER)
		return 0;
	struct cpu *c = &cpus[vcpu % cpu_count];
	switch (unit) {
	case UNIT_UP: c->at -= c->at > 0; break;
	case UNIT_DOWN: c->at += c->at < c->steps - 1; break;
	case UNIT_MAX: c->at = 0; break;
	case UNIT_MIN: c->at = c->steps - 1; break;
	default: return NACK;
	}
	size_t size = strlen(c->text[c->at]);
	return pwrite(c->setspeed, c->text[c->at], size, 0) == (ssize_t)size ? ACK : NACK;
}

/* Serves what one read brings; the replies overwrite the requests and leave in one send. Returns -1 at the end of the stream. */
static int readable(struct channel *c)
{
	ssize_t n = recv(c->fd, c->in + c->held, sizeof c->in - c->held, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	c->held += (size_t)n;
	size_t at = 0, out = 0;
	for (; c->held - at >= FRAME; at += FRAME) {
		uint32_t reply = serve(c->in + at);
		if (reply == 0)
			continue;
		memmove(c->in + out, c->in + at, FRAME);
		memcpy(c->in + out + COMMAND_AT, &reply, sizeof reply);
		out += FRAME;
	}
	if (out > 0 && send(c->fd, c->in, out, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		return -1;
	memmove(c->in, c->in + at, c->held -= at);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: yardstick CHANNEL-DIR SYSFS-ROOT");
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4096, 4096 });
	open_cpus(argv[2]);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	connect_all(argv[1], ep);
	for (;;) {
		struct epoll_event ready[64];
		int n = epoll_wait(ep, ready, 64, -1);
		for (int i = 0; i < n; i++) {
			struct channel *c = ready[i].data.ptr;
			if (readable(c) < 0) {
				close(c->fd);
				free(c);
			}
		}
	}
}
