package dossier_test

import (
	"math"
	"testing"

	"dossier.example/app"
)

func TestPartSize(t *testing.T) {
	for _, c := range []struct{ size, want int64 }{
		{0, 8 << 20}, {1, 8 << 20}, {5 << 30, 8 << 20}, {10_000 * 8 << 20, 8 << 20}, {10_000*8<<20 + 1, 9 << 20},
		{10_000 * 9 << 20, 9 << 20},
		{100 << 30, 11 << 20}, {5 << 40, 525 << 20}, {dossier.MaxParts * dossier.MaxPartSize, dossier.MaxPartSize},
		{math.MaxInt64, dossier.MaxPartSize},
	} {
		if got := dossier.PartSize(c.size); got != c.want {
			t.Errorf("PartSize(%d) = %d, want %d", c.size, got, c.want)
		}
	}
	for size := int64(1); size <= dossier.MaxParts*dossier.MaxPartSize; size = size*3/2 + 1 {
		u := dossier.Multipart{Size: size, PartSize: dossier.PartSize(size)}
		var sum int64
		for n := 1; n <= u.Parts(); n++ {
			part, ok := u.PartBytes(n)
			if !ok || part < 1 || part > dossier.MaxPartSize || n < u.Parts() && part < dossier.MinPartSize {
				t.Fatalf("a file of %d bytes has part %d of %d bytes", size, n, part)
			}
			sum += part
		}
		if u.Parts() > dossier.MaxParts || u.PartSize%(1<<20) != 0 || sum != size {
			t.Errorf("a file of %d bytes has %d parts of %d bytes, %d together", size, u.Parts(), u.PartSize, sum)
		}
	}
	empty := dossier.Multipart{PartSize: dossier.PartSize(0)}
	if n, ok := empty.PartBytes(1); empty.Parts() != 1 || n != 0 || !ok {
		t.Errorf("an empty file has %d parts, the first of %d bytes", empty.Parts(), n)
	}
	for _, n := range []int{math.MinInt, -1, 0, 2, math.MaxInt} {
		if _, ok := empty.PartBytes(n); ok {
			t.Errorf("an empty file has a part %d", n)
		}
	}
}
