// What the files of dpdk-guest know of each other.
#include <rte_power_guest_channel.h>

// Returns a request of this VM; `vcpu` is its resource_id.
struct rte_power_channel_packet packet(unsigned int vcpu, unsigned int command, unsigned int unit);

// Fills in `p`, which is all zeros, from words such as "time busy=17,18"; changes `words`. Returns -1 if it does not understand them.
int fill_policy(struct rte_power_channel_packet *p, char *words);

// The commands of the same names, see dpdk-guest.c. Return -1 when the port takes nothing.
int busy(unsigned int lcore, unsigned int rounds, unsigned int command, unsigned int bytes);
int each(unsigned int lcore);
