package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"dossier.example/app/bounds"
)

// The lengths of a password, in Unicode code points after normalization. NIST SP 800-63B-4, section 3.1.1.2, asks for
// 15 where a password is all there is, and for 8 where there is a second factor, as there always is here: nobody gets
// in without a code. It asks for at least 64 to be allowed. There are no rules on which characters.
const (
	MinPassword = 8
	MaxPassword = 128
	// maxPasswordBytes bounds what is normalized: UTF-8 has up to four bytes for a code point, and some texts shrink.
	maxPasswordBytes = 8 * MaxPassword
)

// commonPasswords are the 5,000 most common passwords of at least MinPassword characters, the most common first: of the
// list that zxcvbn made of leaks (https://github.com/trustelem/zxcvbn, data/passwords.txt of v1.0.1, MIT License).
//
//go:embed common-passwords.txt
var commonPasswords string

var isCommon = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for password := range strings.Lines(commonPasswords) {
		all[strings.TrimSpace(password)] = true
	}
	return all
})

// normalPassword returns a password as it is hashed: in the form NFKC, as NIST SP 800-63B-4 recommends, because
// keyboards write the same characters differently. Spaces count, also at the ends.
func normalPassword(typed string) (string, bool) {
	if len(typed) > maxPasswordBytes || !utf8.ValidString(typed) {
		return "", false
	}
	return norm.NFKC.String(typed), true
}

// checkPassword says what is wrong with a new password; empty: nothing. own are texts that its owner is known by.
func checkPassword(typed string, own ...string) (fault string) {
	password, ok := normalPassword(typed)
	n := utf8.RuneCountInString(password)
	switch {
	case !ok || n > MaxPassword:
		return fmt.Sprintf("Must be at most %d characters long.", MaxPassword)
	case n < MinPassword:
		return fmt.Sprintf("Enter at least %d characters. Several words are easy to remember.", MinPassword)
	}
	folded := cases.Fold().String(password)
	// What is added at the end to please other sites makes it no less common.
	bare := strings.TrimRightFunc(folded, func(r rune) bool { return unicode.IsDigit(r) || unicode.IsPunct(r) })
	if isCommon()[folded] || utf8.RuneCountInString(bare) >= MinPassword && isCommon()[bare] || distinct(folded) < 4 {
		return "This password is among the first that attackers try. Choose another, for example several words."
	}
	left := folded
	// What programs call the site, such as in its address, and what people do: "make new" gives it two names.
	for _, text := range append([]string{"dossier", "Dossier"}, own...) {
		for _, word := range strings.FieldsFunc(cases.Fold().String(norm.NFKC.String(text)), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			if utf8.RuneCountInString(word) >= 3 {
				left = strings.ReplaceAll(left, word, "")
			}
		}
	}
	if left != folded && utf8.RuneCountInString(left) < MinPassword {
		return "This password is mostly your name, your address or the name of this site. Choose another, for " +
			"example several words."
	}
	return ""
}

// distinct returns how many different characters a text has.
func distinct(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

// argon are parameters of argon2id.
type argon struct {
	// memory is in KiB.
	memory, time uint32
	threads      uint8
}

// hashing are those of new hashes: the least that OWASP's cheat sheet recommends
// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html), as an instance may have 1 GiB. A
// hash with others is made anew when its owner signs in.
var hashing = argon{memory: 19 << 10, time: 2, threads: 1}

// The most that a stored hash may ask for: a row that somebody tampered with must not take all memory.
var mostHashing = argon{memory: 64 << 10, time: 10, threads: 4}

const (
	saltBytes = 16
	hashBytes = 32
)

// phc is a parsed PHC string of argon2id
// (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md).
type phc struct {
	argon
	salt, hash []byte
}

var errPHC = errors.New("a password's hash is damaged")

// parsePHC reads what phc.String wrote.
func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return phc{}, errPHC
	}
	numbers := strings.Split(parts[3], ",")
	if len(numbers) != 3 {
		return phc{}, errPHC
	}
	var values [3]uint32
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(numbers[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(n, 10) != digits {
			return phc{}, errPHC
		}
		values[i] = uint32(n)
	}
	p := phc{argon: argon{memory: values[0], time: values[1], threads: uint8(min(values[2], 255))}}
	if p.memory < 8 || p.memory > mostHashing.memory || p.time < 1 || p.time > mostHashing.time || p.threads < 1 ||
		p.threads > mostHashing.threads {
		return phc{}, errPHC
	}
	var errs [2]error
	p.salt, errs[0] = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	p.hash, errs[1] = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errors.Join(errs[:]...) != nil || len(p.salt) != saltBytes || len(p.hash) != hashBytes || p.String() != text {
		return phc{}, errPHC
	}
	return p, nil
}

// String returns the PHC string.
func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.hash))
}

func (p phc) of(password string) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, hashBytes)
}

// hasher hashes passwords, few at once: each takes 19 MiB and a processor for some hundredths of a second. Those whom
// the site knows have turns of their own, so that guessers never keep them waiting.
type hasher struct {
	argon
	known, unknown lane
}

// lane is a queue with a number of turns.
type lane struct {
	places, turns chan struct{}
}

func newLane(turns int) lane {
	return lane{make(chan struct{}, turns+bounds.PasswordsWaiting), make(chan struct{}, turns)}
}

func newHasher() *hasher {
	return &hasher{argon: hashing, known: newLane(1), unknown: newLane(max(1,
		min(bounds.Passwords, runtime.GOMAXPROCS(0)-1)))}
}

// busy says that too many passwords wait to be hashed.
func busy() error { return &RetryError{After: bounds.PasswordWait / 2, Busy: true} }

// turn runs do when it is its turn, or fails with a RetryError.
func (h *hasher) turn(ctx context.Context, known bool, do func()) error {
	l := h.unknown
	if known {
		l = h.known
	}
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		return busy()
	}
	timeout := time.NewTimer(bounds.PasswordWait)
	defer timeout.Stop()
	select {
	case l.turns <- struct{}{}:
		defer func() { <-l.turns }()
	case <-timeout.C:
		return busy()
	case <-ctx.Done():
		return ctx.Err()
	}
	do()
	return nil
}

// hash returns the PHC string of a password that was checked.
func (h *hasher) hash(ctx context.Context, typed string) (string, error) {
	password, ok := normalPassword(typed)
	if !ok {
		return "", errors.New("hash a password that was not checked")
	}
	p := phc{argon: h.argon, salt: make([]byte, saltBytes)}
	_, _ = rand.Read(p.salt) // never fails
	err := h.turn(ctx, true, func() { p.hash = p.of(password) })
	return p.String(), err
}

// compare reports whether a password is that of a PHC string, and whether that should be made anew. It takes as long
// for a stored text that is empty or damaged, whose password nobody knows.
func (h *hasher) compare(ctx context.Context, known bool, stored, typed string) (same, old bool, err error) {
	p, fault := parsePHC(stored)
	if fault != nil {
		p = phc{h.argon, make([]byte, saltBytes), make([]byte, hashBytes)}
	}
	password, ok := normalPassword(typed)
	var equal bool
	if err := h.turn(ctx, known, func() {
		equal = subtle.ConstantTimeCompare(p.of(password), p.hash) == 1
	}); err != nil {
		return false, false, err
	}
	return equal && ok && fault == nil, p.argon != h.argon, nil
}
