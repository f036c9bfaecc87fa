package staff

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
)

// The vectors of RFC 6238, appendix B, for SHA-1; there with eight digits, of which these are the last six.
func TestCodeVectors(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924",
		2000000000: "279037", 20000000000: "353130"} {
		if got := code(secret, stepOf(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
}

func TestMatchCode(t *testing.T) {
	secret, at := []byte("12345678901234567890"), time.Unix(1234567890, 0)
	now := stepOf(at)
	for off := int64(-3); off <= 3; off++ {
		step, ok := matchCode(secret, code(secret, now+off), at, 0)
		if want := off >= -1 && off <= 1; ok != want || ok && step != now+off {
			t.Errorf("%d steps off: step %d, %v", off, step, ok)
		}
		// Neither the one that was used last, nor one before it.
		if _, ok := matchCode(secret, code(secret, now+off), at, now); ok != (off == 1) {
			t.Errorf("%d steps off, after the current one was used: %v", off, ok)
		}
	}
}

func TestSealer(t *testing.T) {
	s, err := newSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSealer([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("12345678901234567890")
	sealed := s.seal(secret, a)
	if got, err := s.open(sealed, a); err != nil || string(got) != string(secret) {
		t.Errorf("open: %q, %v", got, err)
	}
	if strings.Contains(sealed, string(secret)) || s.seal(secret, a) == sealed {
		t.Error("a seal shows what is in it")
	}
	for name, err := range map[string]error{
		"another account": second(s.open(sealed, b)), "another key": second(other.open(sealed, a)),
		"nothing": second(s.open("", a)), "cut": second(s.open(sealed[:len(sealed)-4], a)),
		"not base64": second(s.open("!", a)), "another length": second(s.open(s.seal(secret[1:], a), a)),
	} {
		if err == nil {
			t.Errorf("%s opens a seal", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// What people, apps and input methods make of a code is still that code.
func TestCleanCode(t *testing.T) {
	for typed, want := range map[string]string{
		"287 082": "287082", "287-082": "287082", "２８７０８２": "287082", "٢٨٧٠٨٢": "287082", "२८७०८२": "287082",
		"\u200e287082\n": "287082", "abcd-efgh": "ABCDEFGH", strings.Repeat("1", 201): "",
	} {
		if got := cleanCode(typed); got != want {
			t.Errorf("cleanCode(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestRecoveryCodes(t *testing.T) {
	codes, hashes := newRecovery()
	seen := map[string]bool{}
	for i, c := range codes {
		if len(c) != 29 || len(cleanCode(c))*5 < 112 || seen[c] {
			t.Errorf("code %d is %q", i, c)
		}
		seen[c] = true
		for _, typed := range []string{c, strings.ToUpper(c), strings.ReplaceAll(c, "-", ""),
			" " + strings.ReplaceAll(c, "-", " ")} {
			left, ok := useRecovery(hashes, cleanCode(typed))
			if !ok || len(left) != RecoveryCodes-1 {
				t.Errorf("%q is not taken, %d left", typed, len(left))
			}
		}
	}
	if len(codes) != RecoveryCodes || len(hashes) != RecoveryCodes {
		t.Errorf("%d codes, %d hashes", len(codes), len(hashes))
	}
	for _, typed := range []string{"", "x", "123456", codes[0][:28]} {
		if left, ok := useRecovery(hashes, cleanCode(typed)); ok || len(left) != RecoveryCodes {
			t.Errorf("%q is taken", typed)
		}
	}
}

// Whatever is typed, a code is capitals, digits and symbols without spaces, and reads the same again.
func FuzzCleanCode(f *testing.F) {
	for _, seed := range []string{"123 456", "abcd-efgh-ijkl-mnop", "\u200b１２３４５６", "ß\u0130", strings.Repeat("1",
		300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got := cleanCode(typed)
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) }) {
			t.Errorf("%q becomes %q", typed, got)
		}
		if again := cleanCode(got); len(got) <= 200 && again != got {
			t.Errorf("%q becomes %q, and that %q", typed, got, again)
		}
		if _, ok := matchCode([]byte("12345678901234567890"), got, time.Unix(59, 0), 0); ok && len(got) != codeDigits {
			t.Errorf("%q is taken", typed)
		}
	})
}

func TestThrottle(t *testing.T) {
	now := time.Unix(0, 0)
	b := newThrottle(3, time.Minute)
	for range 3 {
		if err := b.take("a", now); err != nil {
			t.Fatal(err)
		}
	}
	retry, ok := b.take("a", now).(*RetryError)
	if !ok || retry.After != time.Minute || retry.Busy {
		t.Fatalf("the fourth: %+v", retry)
	}
	if err := b.take("b", now); err != nil {
		t.Errorf("another key: %v", err)
	}
	if err := b.take("a", now.Add(59*time.Second)); err == nil {
		t.Error("too early")
	}
	if err := b.take("a", now.Add(time.Minute)); err != nil {
		t.Errorf("in time: %v", err)
	}
	b.giveBack("a", now.Add(time.Minute))
	if err := b.take("a", now.Add(time.Minute)); err != nil {
		t.Errorf("what was given back: %v", err)
	}
	// A clock that is set back takes nothing, and gives nothing.
	if err := b.take("a", now.Add(-time.Hour)); err == nil {
		t.Error("a clock that was set back gives a token")
	}
	for n := range rememberedKeys + 10 {
		_ = b.take(fmt.Sprint("key ", n), now)
	}
	if len(b.buckets) != rememberedKeys || b.recent.Len() != rememberedKeys {
		t.Errorf("%d keys are remembered, want %d", len(b.buckets), rememberedKeys)
	}
}

func TestAddressKey(t *testing.T) {
	for _, same := range [][2]string{{"Ada@Site.Example", "ada@site.example"}, {"ÄDA@site.example", "äda@site.example"},
		{"ada@bücher.example", "ada@xn--bcher-kva.example"}, {"\u212a@site.example", "k@site.example"}} {
		if AddressKey(same[0]) != AddressKey(same[1]) {
			t.Errorf("%q and %q have different keys", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"ada@site.example", "ada@other.example"}, {"a.da@site.example",
		"ada@site.example"},
		{"ada+x@site.example", "ada@site.example"}} {
		if AddressKey(other[0]) == AddressKey(other[1]) {
			t.Errorf("%q and %q have the same key", other[0], other[1])
		}
	}
	for _, bad := range []string{"", "ada", "@site.example", "ada@", "Ada <ada@site.example>", "a b@site.example",
		"ada@site.example, eve@site.example", "ada@[192.0.2.1]", strings.Repeat("a", 255) + "@site.example",
		"ada@site.example\n\tx"} {
		if _, fault := cleanAddress(bad); fault == "" {
			t.Errorf("the address %q is taken", bad)
		}
	}
	for _, good := range []string{"ada@site.example", "ada+tag@localhost", "ädä@bücher.example",
		"o'brien@site.example"} {
		if got, fault := cleanAddress(" " + good + "\n"); fault != "" || got != good {
			t.Errorf("the address %q: %q, %q", good, got, fault)
		}
	}
}
