import groupReduceNone from '../../shaders/lib/group-reduce-none.wgsl?raw'
import groupReduceSubgroup from '../../shaders/lib/group-reduce-subgroup.wgsl?raw'
import groupReduceWorkgroup from '../../shaders/lib/group-reduce-workgroup.wgsl?raw'
import type { Reduction } from '../gpu/device.ts'

/** The module with `Lane` and `group_sum` of each form; see `shaders/lib/group-reduce-*.wgsl`. */
export const groupReduceModules: Readonly<Record<Reduction, string>> = {
  none: groupReduceNone,
  workgroup: groupReduceWorkgroup,
  subgroup: groupReduceSubgroup,
}

/** Threads that share a row of a norm. */
export const normWorkgroupSizes: Readonly<Record<Reduction, number>> = {
  none: 1,
  workgroup: 128,
  subgroup: 128,
}
