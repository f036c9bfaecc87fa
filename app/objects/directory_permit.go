package objects

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	dossier "dossier.example/app"
)

// permit is what a signed request allows: this part, of this multipart upload, until then.
type permit struct {
	key, uploadID string
	part          dossier.Part
	expires       time.Time // UTC, whole milliseconds
}

// The address of a permit. Package web routes it.
const (
	multipartPath = "/api/v1/transfers/"
	partPath      = "/parts/"
)

// sign returns the signature of a permit. What is signed can be read in one way only: none of the values has a line's
// end in it.
func (p permit) sign(secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "PUT part\n%s\n%s\n%d\n%d\n%016x\n%d\n", p.key, p.uploadID, p.part.Number, p.part.Size,
		p.part.CRC64, p.expires.UnixMilli())
	return mac.Sum(nil)
}

// url returns the path and query that parsePermit reads.
func (p permit) url(secret []byte) string {
	return multipartPath + p.uploadID + partPath + strconv.Itoa(p.part.Number) + "?" + url.Values{
		"key":       {p.key},
		"size":      {strconv.FormatInt(p.part.Size, 10)},
		"crc64":     {fmt.Sprintf("%016x", p.part.CRC64)},
		"expires":   {strconv.FormatInt(p.expires.UnixMilli(), 10)},
		"signature": {base64.RawURLEncoding.EncodeToString(p.sign(secret))},
	}.Encode()
}

// parsePermit reads a permit and its signature, which it does not verify. Whatever permit.url does not make is refused:
// there is one way to write each.
func parsePermit(u *url.URL) (p permit, signature []byte, ok bool) {
	rest, ok := strings.CutPrefix(u.Path, multipartPath)
	if !ok {
		return permit{}, nil, false
	}
	var number string
	if p.uploadID, number, ok = strings.Cut(rest, partPath); !ok {
		return permit{}, nil, false
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(q) != 5 {
		return permit{}, nil, false
	}
	for _, values := range q {
		if len(values) != 1 {
			return permit{}, nil, false
		}
	}
	p.key = q.Get("key")
	if _, ok := uploadName(p.key, p.uploadID); !ok {
		return permit{}, nil, false
	}
	decimal := func(text string, most int64) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > most || strconv.FormatInt(n, 10) != text {
			ok = false
		}
		return n
	}
	p.part.Number = int(decimal(number, dossier.MaxParts))
	p.part.Size = decimal(q.Get("size"), dossier.MaxPartSize)
	p.expires = time.UnixMilli(decimal(q.Get("expires"), 1<<53)).UTC()
	sum := q.Get("crc64")
	p.part.CRC64, err = strconv.ParseUint(sum, 16, 64)
	if !ok || p.part.Number == 0 || err != nil || fmt.Sprintf("%016x", p.part.CRC64) != sum {
		return permit{}, nil, false
	}
	signature, err = base64.RawURLEncoding.Strict().DecodeString(q.Get("signature"))
	return p, signature, err == nil
}

const (
	signingKeyFile = ".signing-key"
	signingKeySize = 32 // bytes: those of SHA-256
)

// signingKey returns what requests are signed with: random, made once for the folder, the same for every process. It is
// read each time, which costs little beside a part, so that who removes the file voids all requests that were signed
// before.
func (d *Directory) signingKey() ([]byte, error) {
	key, err := d.root.ReadFile(signingKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.makeSigningKey(); err != nil {
			return nil, fmt.Errorf("make %s: %w", signingKeyFile, err)
		}
		key, err = d.root.ReadFile(signingKeyFile)
	}
	if err == nil && len(key) != signingKeySize {
		err = fmt.Errorf("%s has %d bytes instead of %d; remove it, and a new one is made", signingKeyFile, len(key),
			signingKeySize)
	}
	return key, err
}

// makeSigningKey makes the file, unless another process does so first.
func (d *Directory) makeSigningKey() error {
	key := make([]byte, signingKeySize)
	rand.Read(key) // never fails
	name := partialDir + "/key-" + rand.Text()
	defer d.root.Remove(name) // nothing is there any more if it was renamed
	err := d.write(name, func(f io.Writer) error {
		_, err := f.Write(key)
		return err
	})
	if err != nil {
		return err
	}
	if err := d.link(name, signingKeyFile); err != nil && !errors.Is(err, fs.ErrExist) {
		// No hard links here; see place. Two processes that both come to this point both go by what they then read, and
		// the few requests that one may have signed with the other key in between are signed anew.
		if _, lookErr := d.root.Lstat(signingKeyFile); errors.Is(lookErr, fs.ErrNotExist) {
			if err := d.root.Rename(name, signingKeyFile); err != nil {
				return err
			}
		}
	}
	return d.sync(".")
}
