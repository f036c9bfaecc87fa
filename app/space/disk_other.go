//go:build !linux && !darwin && !freebsd && !windows

package space

import "errors"

func look(string) (disk, error) { return disk{}, errors.ErrUnsupported }
