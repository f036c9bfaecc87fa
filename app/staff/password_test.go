package staff

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"dossier.example/app/bounds"
)

func TestCheckPassword(t *testing.T) {
	const short, long, common, own = "at least 8", "at most 128", "first that attackers try", "mostly your name"
	for password, want := range map[string]string{
		"":                           short,
		"seven77":                    short,
		"éééé\u0301":                 short,
		"ééééééé":                    short,
		"password":                   common,
		"PassWord":                   common,
		"password1!":                 common,
		"ｐａｓｓｗｏｒｄ":                   common, // full-width letters
		"12345678":                   common,
		"aaaaaaaaaaaa":               common,
		"abababababab":               common,
		"iloveyou2026!!":             common,
		"dossier" + "12345":          own,
		"Dossier-2026":               own,
		"grace.hopper":               own,
		"hopper99":                   own,
		"GraceHopper1":               own,
		"site.example":               own,
		"correct horse battery":      "",
		"gr8 ace of hearts":          "",
		"dossier of many a colour":   "",
		"        a b c":              "", // spaces count
		"пароль из слов":             "",
		"日本語のパスワード":                  "",
		strings.Repeat("abc1", 32):   "",
		strings.Repeat("abc1", 33):   long,
		strings.Repeat("é1a", 10000): long,
		"\xff\xfe not text":          long,
	} {
		got := checkPassword(password, "Grace Hopper", "grace@site.example")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%.30q: %q, want %q", password, got, want)
		}
	}
	if n := len(isCommon()); n != 5000 {
		t.Errorf("%d common passwords, want 5,000", n)
	}
	for password := range isCommon() {
		if utf8.RuneCountInString(password) < MinPassword {
			t.Errorf("%q is too short to be in the list", password)
		}
	}
}

func TestHashes(t *testing.T) {
	h := newHasher()
	first, err := h.hash(t.Context(), "four words and more")
	second, err2 := h.hash(t.Context(), "four words and more")
	if err != nil || err2 != nil || first == second || !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("two hashes of a password are %q and %q, %v, %v", first, second, err, err2)
	}
	for _, c := range []struct {
		name, stored, typed string
		same                bool
	}{
		{"the same", first, "four words and more", true},
		{"in another form of Unicode", mustHash(t, h, "caf\u00e9 \ufb01ne words"), "cafe\u0301 fine words", true},
		{"other case", first, "Four words and more", false},
		{"a space more", first, "four words and more ", false},
		{"nothing", first, "", false},
		{"no stored hash", "", "four words and more", false},
		{"no stored hash and nothing", "", "", false},
		{"a damaged hash", first[:len(first)-1], "four words and more", false},
		{"what the stand-in is of", "", "\x00", false},
	} {
		if same, _, err := h.compare(t.Context(), false, c.stored, c.typed); err != nil || same != c.same {
			t.Errorf("%s: got %v, %v", c.name, same, err)
		}
	}
}

func mustHash(t *testing.T, h *hasher, password string) string {
	t.Helper()
	hash, err := h.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// A test vector of the reference implementation
// (https://github.com/P-H-C/phc-winner-argon2/blob/master/src/test.c: argon2id, t=2, m=16 MiB, p=1).
func TestArgon2Vector(t *testing.T) {
	const vector = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	parts := strings.Split(vector, "$")
	p := phc{argon: argon{memory: 65536, time: 2, threads: 1}, salt: []byte("somesalt")}
	p.hash = p.of("password")
	if got := p.String(); got != vector || parts[4] != "c29tZXNhbHQ" {
		t.Errorf("got %s, want %s", got, vector)
	}
}

// What a damaged row may ask for is bounded, and what is read is written the same.
func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2i$v=19$m=8,t=1,p=1$$")
	f.Add("$$$$$")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePHC(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Fatalf("%q is read as %q", text, p)
		}
		if p.memory > mostHashing.memory || p.time > mostHashing.time || p.threads > mostHashing.threads ||
			p.time == 0 ||
			p.threads == 0 {
			t.Fatalf("%q asks for %+v", text, p.argon)
		}
	})
}

func TestParsePHC(t *testing.T) {
	const salt, hash = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if _, err := parsePHC("$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + hash); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for _, bad := range []string{"", "password", "$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + hash, "$argon2id$v=19$m=65537,t=2,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=19456,t=11,p=1$" + salt + "$" + hash, "$argon2id$v=19$m=19456,t=2,p=256$" + salt + "$" + hash,
		"$argon2id$v=19$m=019456,t=2,p=1$" + salt + "$" + hash, "$argon2id$v=19$t=2,m=19456,p=1$" + salt + "$" + hash,
		"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + hash, "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$",
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt[1:] + "$" + hash,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + hash + "$"} {
		if _, err := parsePHC(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Few are hashed at once, few wait, and those who are known have turns of their own.
func TestTurns(t *testing.T) {
	h := newHasher()
	release := make(chan struct{})
	var wg sync.WaitGroup
	running := make(chan struct{}, 100)
	turns := cap(h.unknown.turns)
	for range turns {
		wg.Go(func() {
			if err := h.turn(t.Context(), false, func() { running <- struct{}{}; <-release }); err != nil {
				t.Error(err)
			}
		})
	}
	for range turns {
		<-running
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, bounds.PasswordsWaiting)
	for range bounds.PasswordsWaiting {
		wg.Go(func() { waiting <- h.turn(ctx, false, func() { t.Error("more run at once than may") }) })
	}
	for len(h.unknown.places) < cap(h.unknown.places) {
	}
	retry := (*RetryError)(nil)
	if err := h.turn(t.Context(), false, func() {}); !errors.As(err, &retry) || !retry.Busy {
		t.Errorf("one more than may wait: %v", err)
	}
	ran := false
	if err := h.turn(t.Context(), true, func() { ran = true }); err != nil || !ran {
		t.Errorf("somebody known: %v, %v", ran, err)
	}
	cancel()
	for range bounds.PasswordsWaiting {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited and left: %v", err)
		}
	}
	close(release)
	wg.Wait()
}
