//go:build !windows

package space

import "syscall"

var fullErrors = []error{syscall.ENOSPC, syscall.EDQUOT}
