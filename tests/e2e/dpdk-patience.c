// A stock guest that waits as librte_power waits, 10 ms for an answer and no longer, under traffic and at a host's start; without it only
// patient guests would have been tried.
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <rte_common.h>
#include "dpdk-guest.h"

// Tries to read what may still come, 30 ms each.
#define LAST_TRIES 10

// What a program that died half-way through a write leaves: the front of a packet, for the vCPU after its own.
static int send_stray(unsigned int lcore, unsigned int bytes)
{
	struct rte_power_channel_packet p = packet(lcore + 1, RTE_POWER_CPU_POWER, RTE_POWER_SCALE_MAX);
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/virtio-ports/virtio.serial.port.poweragent.%u", lcore);
	fd = open(path, O_WRONLY | O_NOCTTY);
	if (fd < 0 || bytes > sizeof(p))
		return -1;
	ret = write(fd, &p, bytes);
	close(fd);
	return ret;
}

int busy(unsigned int lcore, unsigned int rounds, unsigned int command, unsigned int bytes)
{
	static const unsigned int UNITS[] = { RTE_POWER_SCALE_MAX, RTE_POWER_SCALE_DOWN, RTE_POWER_SCALE_MIN, RTE_POWER_SCALE_UP };
	unsigned int answered = 0, torn = 0, seen = 0, missed = 0;
	bool ordered = true;

	// what is still to come after the last round is read, until it is all there or nothing comes any more
	for (unsigned int i = 0; i < rounds || (answered < rounds && missed < LAST_TRIES); i++) {
		struct rte_power_channel_packet p = packet(lcore, command, 0);

		if (i == rounds / 2 && command != 0 && rte_power_guest_channel_send_msg(&p, lcore) != 0)
			return -1;
		if (i == rounds / 2 + 1 && bytes != 0 && send_stray(lcore, bytes) < 0)
			return -1;
		p = packet(lcore, RTE_POWER_CPU_POWER, UNITS[i % RTE_DIM(UNITS)]);
		if (i < rounds && rte_power_guest_channel_send_msg(&p, lcore) != 0)
			return -1;
		usleep(20000);
		if (rte_power_guest_channel_receive_msg(&p, sizeof(p), lcore) != 0) {
			missed += i >= rounds;
			continue;
		}
		if (p.resource_id != lcore) {
			torn++;
			continue;
		}
		answered++;
		while (seen < rounds && UNITS[seen % RTE_DIM(UNITS)] != p.unit)
			seen++;
		ordered = ordered && p.command == RTE_POWER_CMD_ACK && seen++ < rounds;
	}
	printf("= %u sent, %u answered, %u torn, %s\n", rounds, answered, torn, ordered ? "in order" : "out of order");
	return 0;
}

// The library's own wait, once: what it does not get in time is read as the answer to what is asked next.
static bool answered(unsigned int lcore, struct rte_power_channel_packet p, size_t size, unsigned int command)
{
	union {
		struct rte_power_channel_packet packet;
		struct rte_power_channel_packet_freq_list freq;
		struct rte_power_channel_packet_caps_list caps;
	} reply;

	if (rte_power_guest_channel_send_msg(&p, lcore) != 0 || rte_power_guest_channel_receive_msg(&reply, size, lcore) != 0) {
		printf(" late");
		return false;
	}
	// command stands at the same place in all three
	printf(" %u", reply.packet.command);
	return reply.packet.command == command;
}

int each(unsigned int lcore)
{
	static const struct {
		unsigned int command, unit, reply;
		size_t size;
	} KINDS[] = {
		{ RTE_POWER_CPU_POWER, RTE_POWER_SCALE_MAX, RTE_POWER_CMD_ACK, sizeof(struct rte_power_channel_packet) },
		{ RTE_POWER_QUERY_FREQ_LIST, 0, RTE_POWER_FREQ_LIST, sizeof(struct rte_power_channel_packet_freq_list) },
		{ RTE_POWER_QUERY_FREQ, 0, RTE_POWER_FREQ_LIST, sizeof(struct rte_power_channel_packet_freq_list) },
		{ RTE_POWER_QUERY_CAPS_LIST, 0, RTE_POWER_CAPS_LIST, sizeof(struct rte_power_channel_packet_caps_list) },
		{ RTE_POWER_QUERY_CAPS, 0, RTE_POWER_CAPS_LIST, sizeof(struct rte_power_channel_packet_caps_list) },
		{ RTE_POWER_PKT_POLICY, 0, RTE_POWER_CMD_ACK, sizeof(struct rte_power_channel_packet) },
	};
	char words[] = "workload level=2 vcpus=0", byte;
	bool good = true;
	int unasked = 0;

	printf("=");
	for (unsigned int i = 0; good && i < RTE_DIM(KINDS); i++) {
		struct rte_power_channel_packet p = packet(lcore, KINDS[i].command, KINDS[i].unit);

		if (KINDS[i].command == RTE_POWER_PKT_POLICY)
			fill_policy(&p, words);
		good = answered(lcore, p, KINDS[i].size, KINDS[i].reply);
	}
	// CONNECT and the removal are answered by nobody; what comes is nobody's answer
	for (unsigned int i = 0; good && i < 2; i++) {
		struct rte_power_channel_packet p = packet(lcore, i ? RTE_POWER_PKT_POLICY_REMOVE : RTE_POWER_CPU_POWER_CONNECT, 0);

		good = rte_power_guest_channel_send_msg(&p, lcore) == 0;
	}
	for (int tries = good ? 3 : 30; tries > 0; tries--)
		while (rte_power_guest_channel_receive_msg(&byte, 1, lcore) == 0)
			unasked++;
	printf(" then %d bytes\n", unasked);
	return 0;
}
