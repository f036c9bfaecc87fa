package dossier_test

import (
	"math"
	"testing"

	"dossier.example/app"
)

func TestFormatBytes(t *testing.T) {
	for _, test := range []struct {
		bytes       int64
		size, limit string
	}{
		{-1, "unknown", "unknown"},
		{0, "0 B", "0 B"},
		{999, "999 B", "999 B"},
		{1000, "1 kB", "1 kB"},
		{1 << 10, "1 kB", "1 kB"},
		{1536, "1.5 kB", "1.5 kB"},
		{1999, "2 kB", "1.9 kB"},
		{9949, "9.9 kB", "9.9 kB"},
		{9950, "10 kB", "9.9 kB"},
		{64 << 10, "66 kB", "65 kB"},
		{999_499, "999 kB", "999 kB"},
		{999_500, "1 MB", "999 kB"},
		{999_999, "1 MB", "999 kB"},
		{1_000_000, "1 MB", "1 MB"},
		{34_400_000, "34 MB", "34 MB"},
		{500_000_000, "500 MB", "500 MB"},
		{5 << 30, "5.4 GB", "5.3 GB"},
		{52_428_800_000, "52 GB", "52 GB"},
		{250 << 30, "268 GB", "268 GB"},
		{2 << 40, "2.2 TB", "2.1 TB"},
		{1 << 60, "1.2 EB", "1.1 EB"},
		{math.MaxInt64, "9.2 EB", "9.2 EB"},
	} {
		if got := dossier.FormatBytes(test.bytes); got != test.size {
			t.Errorf("FormatBytes(%d) = %q, want %q", test.bytes, got, test.size)
		}
		if got := dossier.FormatLimit(test.bytes); got != test.limit {
			t.Errorf("FormatLimit(%d) = %q, want %q", test.bytes, got, test.limit)
		}
	}
}
