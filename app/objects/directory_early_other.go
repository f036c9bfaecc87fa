//go:build !linux

package objects

import "os"

// startWriting leaves it to the system when to bring a range of a file to the disk.
func startWriting(*os.File, int64, int64) {}

// readAhead leaves it to the system how far ahead it reads.
func readAhead(*os.File) {}
