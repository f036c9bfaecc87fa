//go:build unix && !linux

package servers

func memoryFolder() string { return "" }
