package dossier_test

import (
	"math/rand/v2"
	"testing"

	dossier "dossier.example/app"
)

func crc64Of(b []byte) uint64 {
	crc := dossier.NewCRC64()
	crc.Write(b) // a hash never fails
	return crc.Sum64()
}

func TestNewCRC64(t *testing.T) {
	// The catalogue's check value: that of these nine digits.
	if got := crc64Of([]byte("123456789")); got != 0xae8b14860a799888 {
		t.Errorf("CRC-64/NVME of 123456789 = %016x; want ae8b14860a799888", got)
	}
}

func TestCombineCRC64(t *testing.T) {
	data := make([]byte, 1<<16)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data) // never fails
	whole := func(n int) []byte { return data[:n] }
	for _, c := range []struct {
		name       string
		size, half int
	}{
		{"nothing and nothing", 0, 0},
		{"nothing and a byte", 1, 0},
		{"a byte and nothing", 1, 1},
		{"two bytes", 2, 1},
		{"nothing and all", len(data), 0},
		{"all and nothing", len(data), len(data)},
		{"halves", len(data), len(data) / 2},
		{"a power of two behind", 1<<12 + 7, 7},
		{"one less than a power of two behind", 1<<12 + 6, 7},
	} {
		a, b := whole(c.size)[:c.half], whole(c.size)[c.half:]
		if got, want := dossier.CombineCRC64(crc64Of(a), crc64Of(b), int64(len(b))), crc64Of(whole(c.size)); got != want {
			t.Errorf("%s: combined %016x; want %016x", c.name, got, want)
		}
	}
	r := rand.New(random)
	for range 1000 {
		size := r.IntN(len(data) + 1)
		// Folded over any number of parts, some of them empty.
		var got uint64
		for from := 0; from < size; {
			to := min(size, from+r.IntN(size/3+2))
			got = dossier.CombineCRC64(got, crc64Of(data[from:to]), int64(to-from))
			from = to
		}
		if want := crc64Of(whole(size)); got != want {
			t.Fatalf("%d bytes in parts: combined %016x; want %016x", size, got, want)
		}
	}
}

// TestCombineCRC64Long combines lengths that no test can hash: zeros behind zeros, in two ways.
func TestCombineCRC64Long(t *testing.T) {
	zeros := make([]byte, 1<<20)
	// The checksum of 2^40 zeros, by doubling.
	crc, n := crc64Of(zeros), int64(len(zeros))
	for n < 1<<40 {
		crc = dossier.CombineCRC64(crc, crc, n)
		n *= 2
	}
	// And by a fold over pieces of another size.
	piece, size := crc64Of(zeros), int64(len(zeros))
	for size < 1<<30 {
		piece = dossier.CombineCRC64(piece, piece, size)
		size *= 2
	}
	var folded uint64
	for range n / size {
		folded = dossier.CombineCRC64(folded, piece, size)
	}
	if folded != crc {
		t.Errorf("%d zeros: %016x by doubling, %016x by a fold", n, crc, folded)
	}
	// An empty piece behind changes nothing; an empty one before neither, whatever the length.
	if got := dossier.CombineCRC64(0, crc, n); got != crc {
		t.Errorf("nothing before %d zeros: %016x; want %016x", n, got, crc)
	}
}

func BenchmarkCombineCRC64(b *testing.B) {
	for b.Loop() {
		dossier.CombineCRC64(0x123456789abcdef, 0xfedcba987654321, 5<<30-1)
	}
}

// The check value of the CRC catalogue; S3 gives the same for an object of these nine bytes.
func TestCRC64(t *testing.T) {
	h := dossier.NewCRC64()
	_, _ = h.Write([]byte("123456789"))
	if got := h.Sum64(); got != 0xae8b14860a799888 {
		t.Errorf("CRC-64/NVME of the check string = %016x", got)
	}
}
