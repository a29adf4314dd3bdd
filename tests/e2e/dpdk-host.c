// A host that is not ours: answers as DPDK's vm_power_manager does, with Debian's header for every byte; without it our guest's program
// would have met hosts of our own making alone. What it is asked is one line each on stdout; the clocks are numbers of its own.
// dpdk-host SOCKET VM_NAME VCPUS: serves who connects to SOCKET, one after the other, as a channel of the VM that it knows by that name.
// Source of what it answers and where it is silent: DPDK examples/vm_power_manager/channel_monitor.c, process_request.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <rte_power_guest_channel.h>

static const char *known_name;
static unsigned int vcpus;
static unsigned int khz[RTE_POWER_MAX_VCPU_PER_VM];

static void send_all(int fd, const void *bytes, size_t size)
{
	if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		printf("unsent\n");
}

static void acknowledge(int fd, struct rte_power_channel_packet *p)
{
	p->command = RTE_POWER_CMD_ACK;
	send_all(fd, p, sizeof(*p));
}

static void power(int fd, struct rte_power_channel_packet *p)
{
	if (p->unit < RTE_POWER_SCALE_UP || p->unit > RTE_POWER_DISABLE_TURBO || p->resource_id >= vcpus)
		return;
	switch (p->unit) {
	case RTE_POWER_SCALE_UP: khz[p->resource_id] += 100000; break;
	case RTE_POWER_SCALE_DOWN: khz[p->resource_id] -= 100000; break;
	case RTE_POWER_SCALE_MIN: khz[p->resource_id] = 1200000; break;
	default: khz[p->resource_id] = 2600000; break;
	}
	acknowledge(fd, p);
}

static void query(int fd, const struct rte_power_channel_packet *p)
{
	struct rte_power_channel_packet_freq_list freq = { .command = RTE_POWER_FREQ_LIST, .num_vcpu = vcpus };
	struct rte_power_channel_packet_caps_list caps = { .command = RTE_POWER_CAPS_LIST, .num_vcpu = vcpus };

	if (strcmp(p->vm_name, known_name) != 0 || p->resource_id >= RTE_POWER_MAX_VCPU_PER_VM)
		return;
	if (p->command == RTE_POWER_QUERY_FREQ_LIST || p->command == RTE_POWER_QUERY_FREQ) {
		memcpy(freq.freq_list, khz, vcpus * sizeof(*khz));
		send_all(fd, &freq, sizeof(freq));
		return;
	}
	for (unsigned int i = 0; i < vcpus; i++)
		caps.turbo[i] = 1;
	send_all(fd, &caps, sizeof(caps));
}

static void serve(int fd, struct rte_power_channel_packet *p)
{
	switch (p->command) {
	case RTE_POWER_CPU_POWER_CONNECT:
		printf("connect\n");
		break;
	case RTE_POWER_CPU_POWER:
		printf("power %u vcpu %lu\n", p->unit, (unsigned long)p->resource_id);
		power(fd, p);
		break;
	case RTE_POWER_PKT_POLICY:
		printf("policy %u of \"%s\", %u vcpus, busy %d quiet %d\n", p->policy_to_use, p->vm_name, p->num_vcpu,
		       p->timer_policy.busy_hours[0], p->timer_policy.quiet_hours[0]);
		acknowledge(fd, p);
		break;
	case RTE_POWER_PKT_POLICY_REMOVE:
		printf("no policy of \"%s\"\n", p->vm_name);
		break;
	case RTE_POWER_QUERY_FREQ_LIST:
	case RTE_POWER_QUERY_FREQ:
	case RTE_POWER_QUERY_CAPS_LIST:
	case RTE_POWER_QUERY_CAPS:
		printf("query %u of \"%s\"\n", p->command, p->vm_name);
		query(fd, p);
		break;
	default:
		printf("unknown\n");
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct rte_power_channel_packet p;

	if (argc != 4 || strlen(argv[1]) >= sizeof(at.sun_path) || listener < 0)
		return 1;
	strcpy(at.sun_path, argv[1]);
	known_name = argv[2];
	vcpus = strtoul(argv[3], NULL, 10);
	for (unsigned int i = 0; i < RTE_POWER_MAX_VCPU_PER_VM; i++)
		khz[i] = 1200000;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (vcpus > RTE_POWER_MAX_VCPU_PER_VM || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 8) < 0)
		return 1;
	printf("listening\n");
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && recv(fd, &p, sizeof(p), MSG_WAITALL) == sizeof(p))
			serve(fd, &p);
		close(fd);
	}
}
