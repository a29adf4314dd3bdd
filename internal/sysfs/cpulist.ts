// CPU lists are read by rooms that may not import sysfs too; this keeps their old address in here.
export { formatCpuList, MAX_CPUS, parseCpuList } from "../values/cpulist.ts";
