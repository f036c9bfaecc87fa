package dossier

import (
	"math"
	"strconv"
)

// FormatBytes formats a size in bytes for people, in decimal units: "812 B", "1.2 MB", "34 MB". It rounds to the
// nearest; for limits, use FormatLimit.
func FormatBytes(n int64) string { return formatBytes(n, math.Round) }

// FormatLimit is FormatBytes rounded down, so that the size shown is really allowed: a limit of 5 GiB, which is 5.37
// GB, becomes "5.3 GB".
func FormatLimit(n int64) string { return formatBytes(n, math.Floor) }

// formatBytes shows tenths below ten of a unit. The browser's humanSize and humanLimit (web/browser/words.js) write the
// same.
func formatBytes(n int64, round func(float64) float64) string {
	switch {
	case n < 0:
		return "unknown"
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	}
	for unit, prefix := 1000., 0; ; unit, prefix = unit*1000, prefix+1 {
		name := " " + "kMGTPE"[prefix:prefix+1] + "B"
		if tenths := round(float64(n) / (unit / 10)); tenths < 100 {
			return strconv.FormatFloat(tenths/10, 'f', -1, 64) + name
		}
		if whole := round(float64(n) / unit); whole < 1000 {
			return strconv.FormatFloat(whole, 'f', -1, 64) + name
		}
	}
}
