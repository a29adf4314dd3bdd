// A guest that is not ours: Debian's librte_power as it is; without it only our own client would have tried our host.
// Reads commands on stdin and prints one line for each, "= ..." (EAL's own words carry no such mark):
//   init L                        rte_power_init                     -> = RETURN
//   up|down|max|min|turbo-on|turbo-off L     rte_power_freq_*        -> = RETURN
//   send L COMMAND UNIT [VCPU]    rte_power_guest_channel_send_msg   -> = RETURN
//   policy L WORDS                the same with PKT_POLICY, WORDS as dpdk-policy.c has them
//   flood L N                     N times min, max, min..; waits while the port is full -> = done
//   busy L N COMMAND BYTES        N scale requests 20 ms apart, each answer looked for as the library does; half-way a packet with an
//                                 unknown COMMAND goes before one, and BYTES stray ones before another (0: none)
//                                 -> = N sent, M answered, T torn (whole packets made of the stray bytes and what followed), in or out of order
//   each L                        a request of every kind, its answer waited for as long as the library does, once
//                                 -> = what each was answered, "late" at the first that was not, and what then came unasked
//   read L packet|freq|caps       rte_power_guest_channel_receive_msg, tried for 2 s
//   silent L                      the same, tried for 300 ms; nothing may come
//                                 -> = silence, or what came, field by field
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <rte_eal.h>
#include <rte_power.h>
#include "dpdk-guest.h"

static const char *vm_name;

static const struct {
	const char *word;
	rte_power_freq_change_t *call;
} CALLS[] = {
	{ "up", &rte_power_freq_up },   { "down", &rte_power_freq_down },
	{ "max", &rte_power_freq_max }, { "min", &rte_power_freq_min },
	{ "turbo-on", &rte_power_freq_enable_turbo },
	{ "turbo-off", &rte_power_freq_disable_turbo },
};

// Each try polls for 10 ms inside the library. The pause before the first lets a whole reply gather: the library takes
// half a reply for none, and unlike a virtio port a pty may hand over halves.
static int receive(void *reply, size_t size, unsigned int lcore, int tries)
{
	usleep(20000);
	while (tries-- > 0)
		if (rte_power_guest_channel_receive_msg(reply, size, lcore) == 0)
			return 0;
	printf("= silence\n");
	return -1;
}

static void read_packet(unsigned int lcore, int tries)
{
	struct rte_power_channel_packet p;
	if (receive(&p, sizeof(p), lcore, tries) < 0)
		return;
	printf("= command %u unit %u vcpu %lu\n", p.command, p.unit, (unsigned long)p.resource_id);
}

static void read_freq(unsigned int lcore)
{
	struct rte_power_channel_packet_freq_list p;
	if (receive(&p, sizeof(p), lcore, 200) < 0)
		return;
	printf("= command %u vm %s khz", p.command, p.vm_name);
	for (int i = 0; i < p.num_vcpu; i++)
		printf(" %u", p.freq_list[i]);
	printf("\n");
}

static void read_caps(unsigned int lcore)
{
	struct rte_power_channel_packet_caps_list p;
	if (receive(&p, sizeof(p), lcore, 200) < 0)
		return;
	printf("= command %u vm %s turbo", p.command, p.vm_name);
	for (int i = 0; i < p.num_vcpu; i++)
		printf(" %lu", (unsigned long)p.turbo[i]);
	printf(" priority");
	for (int i = 0; i < p.num_vcpu; i++)
		printf(" %lu", (unsigned long)p.priority[i]);
	printf("\n");
}

struct rte_power_channel_packet packet(unsigned int vcpu, unsigned int command, unsigned int unit)
{
	struct rte_power_channel_packet p = { .resource_id = vcpu, .command = command, .unit = unit };

	snprintf(p.vm_name, sizeof(p.vm_name), "%s", vm_name);
	return p;
}

static int send_packet(unsigned int lcore, struct rte_power_channel_packet p)
{
	printf("= %d\n", rte_power_guest_channel_send_msg(&p, lcore));
	return 0;
}

static int send_policy(unsigned int lcore, char *words)
{
	struct rte_power_channel_packet p = packet(lcore, RTE_POWER_PKT_POLICY, 0);

	return fill_policy(&p, words) < 0 ? -1 : send_packet(lcore, p);
}

static int obey(char *line)
{
	char word[16], what[16];
	unsigned int lcore, command, unit, vcpu, rounds;
	int at = 0, read = sscanf(line, "send %u %u %u %u", &lcore, &command, &unit, &vcpu);

	if (read >= 3)
		return send_packet(lcore, packet(read == 4 ? vcpu : lcore, command, unit));
	if (sscanf(line, "policy %u %n", &lcore, &at) == 1 && at > 0)
		return send_policy(lcore, line + at);
	if (sscanf(line, "busy %u %u %u %u", &lcore, &rounds, &command, &unit) == 4)
		return busy(lcore, rounds, command, unit);
	if (sscanf(line, "each %u", &lcore) == 1)
		return each(lcore);
	if (sscanf(line, "flood %u %u", &lcore, &command) == 2) {
		for (unsigned int i = 0; i < command; i++)
			while ((i % 2 ? rte_power_freq_max : rte_power_freq_min)(lcore) < 0)
				usleep(1000);
		printf("= done\n");
		return 0;
	}
	if (sscanf(line, "read %u %15s", &lcore, what) == 2) {
		if (strcmp(what, "freq") == 0)
			read_freq(lcore);
		else if (strcmp(what, "caps") == 0)
			read_caps(lcore);
		else
			read_packet(lcore, 200);
		return 0;
	}
	if (sscanf(line, "%15s %u", word, &lcore) != 2)
		return -1;
	if (strcmp(word, "silent") == 0) {
		read_packet(lcore, 30);
		return 0;
	}
	if (strcmp(word, "init") == 0) {
		printf("= %d\n", rte_power_init(lcore));
		return 0;
	}
	for (unsigned int i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++) {
		if (strcmp(word, CALLS[i].word) == 0) {
			printf("= %d\n", (*CALLS[i].call)(lcore));
			return 0;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	char line[512];

	// dpdk-guest VM_NAME EAL_OPTIONS: EAL takes the VM's name for its program's
	if (argc < 2 || rte_eal_init(argc - 1, argv + 1) < 0 || rte_power_set_env(PM_ENV_KVM_VM) < 0)
		return 1;
	vm_name = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (obey(line) < 0) {
			fprintf(stderr, "dpdk-guest: not understood: %s", line);
			return 2;
		}
	}
	return rte_eal_cleanup();
}
