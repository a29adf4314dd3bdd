// Policies as a stock guest fills them in, from words; without it only our own encoder would have made any.
// First the type: traffic, time, workload or branch; then any of
//   vcpus=0,1        num_vcpu and vcpu_to_control
//   vm=NAME          vm_name, in place of the guest's own
//   level=0|1|2      workload: high, medium, low
//   mac=52:54:..     one more of vfid and nb_mac_to_monitor
//   medium=N max=N   traffic_policy's thresholds, packets per second
//   busy=H,H quiet=H,H traffic=H,H     hours; slots after them stay 0 as in DPDK's guest_cli. A list not named is -1 throughout.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dpdk-guest.h"

static const char *const TYPES[] = {
	[RTE_POWER_POLICY_TRAFFIC] = "traffic",
	[RTE_POWER_POLICY_TIME] = "time",
	[RTE_POWER_POLICY_WORKLOAD] = "workload",
	[RTE_POWER_POLICY_BRANCH_RATIO] = "branch",
};

static int fill_type(struct rte_power_channel_packet *p, const char *word)
{
	for (unsigned int i = 0; word != NULL && i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		if (strcmp(word, TYPES[i]) == 0) {
			p->policy_to_use = i;
			return 0;
		}
	}
	return -1;
}

// Source of the layout: DPDK examples/vm_power_manager/guest_cli/vm_power_cli_guest.c, add_policy's vfid.
static int fill_mac(struct rte_power_channel_packet *p, const char *text)
{
	unsigned char mac[6];

	if (p->nb_mac_to_monitor >= RTE_POWER_MAX_VFS ||
	    sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6)
		return -1;
	memcpy(&p->vfid[p->nb_mac_to_monitor++], mac, sizeof(mac));
	return 0;
}

static void fill_hours(int *hours, char *list)
{
	int i = 0;

	memset(hours, 0, RTE_POWER_HOURS_PER_DAY * sizeof(*hours));
	for (; i < RTE_POWER_HOURS_PER_DAY && *list != '\0'; list += *list == ',')
		hours[i++] = strtol(list, &list, 10);
}

static void fill_vcpus(struct rte_power_channel_packet *p, char *list)
{
	p->num_vcpu = 0;
	for (; p->num_vcpu < RTE_POWER_MAX_VCPU_PER_VM && *list != '\0'; list += *list == ',')
		p->vcpu_to_control[p->num_vcpu++] = strtoul(list, &list, 10);
}

static int fill_word(struct rte_power_channel_packet *p, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return -1;
	*value++ = '\0';
	if (strcmp(word, "mac") == 0)
		return fill_mac(p, value);
	if (strcmp(word, "vcpus") == 0)
		fill_vcpus(p, value);
	else if (strcmp(word, "vm") == 0)
		snprintf(p->vm_name, sizeof(p->vm_name), "%s", value);
	else if (strcmp(word, "level") == 0)
		p->workload = strtoul(value, NULL, 10);
	else if (strcmp(word, "medium") == 0)
		p->traffic_policy.avg_max_packet_thresh = strtoul(value, NULL, 10);
	else if (strcmp(word, "max") == 0)
		p->traffic_policy.max_max_packet_thresh = strtoul(value, NULL, 10);
	else if (strcmp(word, "busy") == 0)
		fill_hours(p->timer_policy.busy_hours, value);
	else if (strcmp(word, "quiet") == 0)
		fill_hours(p->timer_policy.quiet_hours, value);
	else if (strcmp(word, "traffic") == 0)
		fill_hours(p->timer_policy.hours_to_use_traffic_profile, value);
	else
		return -1;
	return 0;
}

int fill_policy(struct rte_power_channel_packet *p, char *words)
{
	char *word = strtok(words, " \n");

	if (fill_type(p, word) < 0)
		return -1;
	memset(&p->timer_policy, 0xff, sizeof(p->timer_policy));
	while ((word = strtok(NULL, " \n")) != NULL)
		if (fill_word(p, word) < 0)
			return -1;
	return 0;
}
