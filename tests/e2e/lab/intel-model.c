// The kernel's own intel_pstate.c as a module, on a processor of ours: QEMU's has neither HWP nor P-states of Intel's.
// What sysfs shows, each limit and each errno are that file's and the cpufreq core's; only its registers are here.
// Built by build-driver-modules.sh. Parameters say which processor it is; parameter hw reads what the processor was told.
#include <linux/acpi.h>
#include <linux/arch_topology.h>
#include <linux/cpu.h>
#include <linux/cpufreq.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched/topology.h>
#include <linux/vmalloc.h>
#include <acpi/processor.h>
#include <asm/cpu.h>
#include <asm/cpu_device_id.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <trace/events/power.h>

static bool hwp = true;
module_param(hwp, bool, 0444);
MODULE_PARM_DESC(hwp, "the processor has HWP with EPP");
static bool turbo_off;
module_param(turbo_off, bool, 0444);
MODULE_PARM_DESC(turbo_off, "the firmware forbids turbo");
static bool passive;
module_param(passive, bool, 0444);
MODULE_PARM_DESC(passive, "start as intel_cpufreq");
static ushort model = 60;
module_param(model, ushort, 0444);
MODULE_PARM_DESC(model, "model of family 6: 60 Haswell, 170 Meteor Lake");

// Ratios: times 100 MHz.
#define BASE_RATIO 24
#define TURBO_RATIO 37
#define MIN_RATIO 8
#define EFFICIENT_RATIO 12

struct registers {
	u64 hwp_request, perf_bias, perf_ctl, cycles;
};
static struct registers registers[NR_CPUS];
static u64 pm_enable, power_ctl;

static u64 model_read(int cpu, u32 msr)
{
	struct registers *one = &registers[cpu];
	u64 top = turbo_off ? BASE_RATIO : TURBO_RATIO;

	switch (msr) {
	case MSR_PLATFORM_INFO:
		return (u64)MIN_RATIO << 40 | BASE_RATIO << 8;
	case MSR_TURBO_RATIO_LIMIT:
		return TURBO_RATIO;
	case MSR_HWP_CAPABILITIES:
		return (u64)MIN_RATIO << 24 | EFFICIENT_RATIO << 16 | BASE_RATIO << 8 | top;
	case MSR_IA32_MISC_ENABLE:
		return turbo_off ? MSR_IA32_MISC_ENABLE_TURBO_DISABLE : 0;
	case MSR_HWP_REQUEST:
		return one->hwp_request;
	case MSR_IA32_ENERGY_PERF_BIAS:
		return one->perf_bias;
	case MSR_IA32_PERF_CTL:
		return one->perf_ctl;
	case MSR_IA32_APERF: // as many cycles as at the base clock: always busy, never in turbo
	case MSR_IA32_MPERF:
		return one->cycles += 1000000;
	case MSR_PM_ENABLE:
		return pm_enable;
	case MSR_IA32_POWER_CTL:
		return power_ctl;
	}
	return 0;
}

static int model_write(int cpu, u32 msr, u64 value)
{
	struct registers *one = &registers[cpu];

	switch (msr) {
	case MSR_HWP_REQUEST:
		one->hwp_request = value;
		break;
	case MSR_IA32_ENERGY_PERF_BIAS:
		one->perf_bias = value;
		break;
	case MSR_IA32_PERF_CTL:
		one->perf_ctl = value;
		break;
	case MSR_PM_ENABLE:
		pm_enable = value;
		break;
	case MSR_IA32_POWER_CTL:
		power_ctl = value;
		break;
	}
	return 0;
}

static bool model_has(int feature)
{
	switch (feature) {
	case X86_FEATURE_APERFMPERF:
	case X86_FEATURE_EPB:
	case X86_FEATURE_IDA:
		return true;
	case X86_FEATURE_HWP:
	case X86_FEATURE_HWP_EPP:
		return hwp;
	}
	return false;
}

static const struct x86_cpu_id *model_match(const struct x86_cpu_id *id)
{
	for (; id->flags & X86_CPU_ID_FLAG_ENTRY_VALID; id++)
		if ((id->model == X86_MODEL_ANY || id->model == model) &&
		    (id->feature == X86_FEATURE_ANY || model_has(id->feature)))
			return id;
	return NULL;
}

static int hw_show(char *text, const struct kernel_param *param)
{
	int cpu, length = 0;

	for_each_online_cpu(cpu) {
		u64 request = registers[cpu].hwp_request;

		length += scnprintf(text + length, PAGE_SIZE - length,
				    "cpu%d min=%llu max=%llu desired=%llu epp=%llu ratio=%llu\n", cpu,
				    request & 255, request >> 8 & 255, request >> 16 & 255, request >> 24 & 255,
				    registers[cpu].perf_ctl >> 8 & 255);
	}
	return length;
}
static const struct kernel_param_ops hw_ops = { .get = hw_show };
module_param_cb(hw, &hw_ops, NULL, 0444);

// Functions of the cpufreq core that a driver in the kernel may call and a module may not.
static struct cpufreq_policy *(*core_acquire)(unsigned int cpu);
static void (*core_release)(struct cpufreq_policy *policy);
static int (*core_start)(struct cpufreq_policy *policy);
static void (*core_stop)(struct cpufreq_policy *policy);

static int find_core(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long (*lookup)(const char *name);
	int error = register_kprobe(&probe);

	if (error)
		return error;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	core_acquire = (void *)lookup("cpufreq_cpu_acquire");
	core_release = (void *)lookup("cpufreq_cpu_release");
	core_start = (void *)lookup("cpufreq_start_governor");
	core_stop = (void *)lookup("cpufreq_stop_governor");
	return core_acquire && core_release && core_start && core_stop ? 0 : -ENOENT;
}

#undef pr_fmt

// From here on the driver's text: its registers and the processor's features are the model's.
#undef rdmsrl
#undef wrmsrl
#define rdmsrl(msr, value) ((value) = model_read(raw_smp_processor_id(), msr))
#define wrmsrl(msr, value) model_write(raw_smp_processor_id(), msr, value)
#define rdmsrl_safe(msr, at) (*(at) = model_read(raw_smp_processor_id(), msr), 0)
#define wrmsrl_safe(msr, value) model_write(raw_smp_processor_id(), msr, value)
#define rdmsrl_on_cpu(cpu, msr, at) (*(at) = model_read(cpu, msr), 0)
#define rdmsrl_safe_on_cpu(cpu, msr, at) (*(at) = model_read(cpu, msr), 0)
#define wrmsrl_on_cpu(cpu, msr, value) model_write(cpu, msr, value)
#undef boot_cpu_has
#undef cpu_feature_enabled
#define boot_cpu_has(feature) model_has(feature)
#define cpu_feature_enabled(feature) model_has(feature)
#define x86_match_cpu(table) model_match(table)
#define cpufreq_cpu_acquire(cpu) core_acquire(cpu)
#define cpufreq_cpu_release(policy) core_release(policy)
#define cpufreq_start_governor(policy) core_start(policy)
#define cpufreq_stop_governor(policy) core_stop(policy)
// What the scheduler and the firmware would be told, and is no part of the interface.
#undef arch_set_max_freq_ratio
#define arch_set_max_freq_ratio(off) do {} while (0)
#define arch_enable_hybrid_capacity_scale() false
#define arch_set_cpu_capacity(...) do {} while (0)
#define get_this_hybrid_cpu_type() 0
#define sched_set_itmt_support() 0
#define sched_clear_itmt_support() do {} while (0)
#define sched_set_itmt_core_prio(...) do {} while (0)
#define acpi_match_platform_list(list) (-1)
#define acpi_processor_pstate_control() 0
#define trace_pstate_sample(...) do {} while (0)
#define trace_pstate_sample_enabled() 0
// In the kernel it is never removed; here it is, so its sections stay and its start is called below.
#undef __init
#undef __initdata
#undef __initconst
#undef device_initcall
#define __init
#define __initdata
#define __initconst
#define device_initcall(start)
#define early_param(word, take)
#include "drivers/cpufreq/intel_pstate.c"

static int intel_model_init(void)
{
	int cpu, error = find_core();

	if (error)
		return error;
	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		registers[cpu].hwp_request = 128 << 24 | 255 << 8 | MIN_RATIO;
		registers[cpu].perf_bias = 6;
	}
	no_hwp = !hwp;
	default_driver = passive ? &intel_cpufreq : &intel_pstate;
	return intel_pstate_init();
}

static void intel_model_exit(void)
{
	mutex_lock(&intel_pstate_driver_lock);
	if (intel_pstate_driver) {
		cpufreq_unregister_driver(intel_pstate_driver);
		intel_pstate_driver_cleanup();
	}
	mutex_unlock(&intel_pstate_driver_lock);
	intel_pstate_sysfs_remove();
	vfree(all_cpu_data);
}

module_init(intel_model_init);
module_exit(intel_model_exit);
MODULE_DESCRIPTION("intel_pstate on a modelled processor");
MODULE_LICENSE("GPL");
