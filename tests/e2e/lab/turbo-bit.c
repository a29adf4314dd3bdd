// Says that the CPUs have turbo, which an emulated CPU can't: without it the kernel shows no boost file to test on.
// Loaded before acpi-cpufreq, which looks for X86_FEATURE_IDA. QEMU keeps what is then written to MSR_IA32_MISC_ENABLE.
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

static int __init turbo_bit_init(void)
{
	int cpu;

	set_cpu_cap(&boot_cpu_data, X86_FEATURE_IDA);
	for_each_possible_cpu(cpu)
		set_cpu_cap(&cpu_data(cpu), X86_FEATURE_IDA);
	return 0;
}

static void __exit turbo_bit_exit(void)
{
}

module_init(turbo_bit_init);
module_exit(turbo_bit_exit);
MODULE_DESCRIPTION("pretends that the CPUs have turbo");
MODULE_LICENSE("GPL");
