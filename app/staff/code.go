package staff

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what authenticator apps compute
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"dossier.example/app"
)

// Time-based codes as all authenticator apps make them (RFC 6238): SHA-1, 30 seconds, 6 digits.
const (
	codeStep   = 30 * time.Second
	codeDigits = 6
	// codeSkew is how many steps before and after the current one are taken as well: clocks differ, and typing takes
	// time.
	codeSkew = 1
	// codeSecret is the length of a secret in bytes: that of SHA-1's output (RFC 4226, section 4, R6).
	codeSecret = 20
)

// code returns the code of a step.
func code(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", codeDigits, binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// stepOf returns the step of a time.
func stepOf(at time.Time) int64 { return at.Unix() / int64(codeStep/time.Second) }

// matchCode returns the step of which a code is, among those that count at a time and come after the last one that was
// used. All are compared, so that the time that it takes tells nothing.
func matchCode(secret []byte, typed string, at time.Time, last int64) (step int64, ok bool) {
	now := stepOf(at)
	for s := now - codeSkew; s <= now+codeSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(code(secret, s)), []byte(typed)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// cleanCode returns a code as typed without what people and apps put between its characters, in capitals.
func cleanCode(typed string) string {
	if len(typed) > 200 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.IsPunct(r):
			return -1
		case unicode.IsDigit(r): // also as input methods of other scripts write it
			return dossier.ASCIIDigit(r)
		}
		return unicode.ToUpper(r)
	}, typed)
}

// Enrollment is a secret of time-based codes that its owner has not shown to have yet.
type Enrollment struct {
	// Sealed is the secret as it goes through the browser and back: only this site opens it, and only for the account.
	Sealed string
	// Secret is what people type into an authenticator app, and URL what they scan.
	Secret, URL string
}

func enrollment(secret []byte, sealed string, of Account) Enrollment {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Dossier:" + cmp.Or(of.Address, string(of.Role)),
		RawQuery: "secret=" + text + "&issuer=Dossier"}
	var groups []string
	for part := range slices.Chunk([]byte(text), 4) {
		groups = append(groups, string(part))
	}
	return Enrollment{Sealed: sealed, Secret: strings.Join(groups, " "), URL: u.String()}
}

// sealer seals secrets of codes with a key made of the staff secret. With another staff secret they cannot be opened:
// recovery codes still work then, and so does an administrator's link.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// seal seals a secret for an account, for which alone it opens.
func (s sealer) seal(secret []byte, of AccountID) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, secret, of[:]))
}

var errSealed = errors.New("a secret of codes cannot be opened: it is damaged, or the staff secret has changed")

func (s sealer) open(sealed string, of AccountID) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, errSealed
	}
	secret, err := s.aead.Open(nil, nil, b, of[:])
	if err != nil || len(secret) != codeSecret {
		return nil, errSealed
	}
	return secret, nil
}

// RecoveryHash is the SHA-256 of a recovery code. It needs no key and no slow hash: a code has 120 random bits, and
// OWASP ASVS 5.0, 6.5.2, asks for 112.
type RecoveryHash [sha256.Size]byte

const (
	// RecoveryCodes is how many an account gets at once.
	RecoveryCodes = 10
	recoveryBytes = 15
)

// newRecovery returns new recovery codes and their hashes.
func newRecovery() (codes []string, hashes []RecoveryHash) {
	for range RecoveryCodes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw) // never fails
		text := base32.StdEncoding.EncodeToString(raw)
		hashes = append(hashes, sha256.Sum256([]byte(text)))
		var fours []string
		for four := range slices.Chunk([]byte(strings.ToLower(text)), 4) {
			fours = append(fours, string(four))
		}
		codes = append(codes, strings.Join(fours, "-"))
	}
	return codes, hashes
}

// useRecovery returns the hashes that are left once a code was used, and reports whether it was one.
func useRecovery(hashes []RecoveryHash, typed string) (left []RecoveryHash, ok bool) {
	hash := RecoveryHash(sha256.Sum256([]byte(typed)))
	left = slices.DeleteFunc(slices.Clone(hashes), func(h RecoveryHash) bool { return h == hash })
	return left, len(left) < len(hashes)
}
