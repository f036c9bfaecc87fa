package apart

import "golang.org/x/sys/unix"

// architecture is that of the calls that a filter knows.
const architecture = unix.AUDIT_ARCH_X86_64

// stackOf is where the stack of a stopped process is.
func stackOf(pid int) (uintptr, error) {
	var registers unix.PtraceRegsAmd64
	err := unix.PtraceGetRegsAmd64(pid, &registers)
	return uintptr(registers.Rsp), err
}
