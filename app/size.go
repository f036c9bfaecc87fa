package dossier

import "github.com/dustin/go-humanize"

// FormatBytes writes a size in bytes as people read it, in binary units: "5.0 GiB".
func FormatBytes(n int64) string {
	if n < 0 {
		return "unknown"
	}
	return humanize.IBytes(uint64(n))
}
