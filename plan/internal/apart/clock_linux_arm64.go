package apart

import "golang.org/x/sys/unix"

// architecture is that of the calls that a filter knows.
const architecture = unix.AUDIT_ARCH_AARCH64

// generalRegisters are those that a process is asked for (NT_PRSTATUS).
const generalRegisters = 1

// stackOf is where the stack of a stopped process is.
func stackOf(pid int) (uintptr, error) {
	var registers unix.PtraceRegsArm64
	err := unix.PtraceGetRegSetArm64(pid, generalRegisters, &registers)
	return uintptr(registers.Sp), err
}
