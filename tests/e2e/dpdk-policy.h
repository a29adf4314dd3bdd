// What dpdk-guest.c knows of dpdk-policy.c.
#include <rte_power_guest_channel.h>

// Fills in `p`, which is all zeros, from words such as "time busy=17,18"; changes `words`. Returns -1 if it does not understand them.
int fill_policy(struct rte_power_channel_packet *p, char *words);
