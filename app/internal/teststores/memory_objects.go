package teststores

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier.example/app"
)

// memoryObjects is a dossier.Objects in maps. Bytes in them are never changed, so copies share them.
type memoryObjects struct {
	guard
	secret  []byte
	objects map[string]memoryObject
	kept    map[string]keptObject
	uploads map[string]memoryUpload // by id
	thumbs  map[dossier.ThumbnailOf][]byte
}

type memoryObject struct {
	data []byte
	held dossier.Held
	at   time.Time
}

type keptObject struct {
	memoryObject
	dossier.Kept
}

type memoryUpload struct {
	dossier.MultipartUpload
	parts map[int]memoryPart
}

type memoryPart struct {
	dossier.Part
	data []byte
}

func newMemoryObjects() *memoryObjects {
	return &memoryObjects{
		secret: []byte(rand.Text()), objects: map[string]memoryObject{}, kept: map[string]keptObject{},
		uploads: map[string]memoryUpload{}, thumbs: map[dossier.ThumbnailOf][]byte{},
	}
}

func (m *memoryObjects) copied() *memoryObjects {
	c := &memoryObjects{secret: m.secret, objects: maps.Clone(m.objects), kept: maps.Clone(m.kept),
		uploads: maps.Clone(m.uploads), thumbs: maps.Clone(m.thumbs)}
	for id, u := range c.uploads {
		u.parts = maps.Clone(u.parts)
		c.uploads[id] = u
	}
	return c
}

// objectOf returns what holds the bytes, as of now.
func objectOf(data []byte) memoryObject {
	crc := dossier.NewCRC64()
	_, _ = crc.Write(data) // a hash never fails
	return memoryObject{data, dossier.Held{Size: int64(len(data)), CRC64: crc.Sum64()}, time.Now().UTC()}
}

// at makes a call with a key, which must be an object's.
func (m *memoryObjects) at(ctx context.Context, doing, key string, call func() error) error {
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return errors.New(doing + ": not the key of an object")
	}
	return m.do(ctx, doing, call)
}

// read is a call that reads an object.
func (m *memoryObjects) read(ctx context.Context, doing, key string) (memoryObject, error) {
	return get(ctx, &m.guard, doing, func() (memoryObject, error) {
		o, ok := m.objects[key]
		if !ok {
			return o, dossier.ErrNotFound
		}
		return o, nil
	})
}

// contextReader is a source that ends with a context. It keeps its own error.
type contextReader struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (r *contextReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// all reads a source to its end.
func all(ctx context.Context, doing string, source io.Reader) ([]byte, error) {
	r := &contextReader{ctx: ctx, r: source}
	data, err := io.ReadAll(r)
	switch {
	case ctx.Err() != nil && r.err != nil:
		return nil, fmt.Errorf("%w (source: %w)", dossier.Unavailable(ctx, doing, context.Cause(ctx)), r.err)
	case ctx.Err() != nil:
		return nil, dossier.Unavailable(ctx, doing, context.Cause(ctx))
	case err != nil:
		return nil, fmt.Errorf("%s: read source: %w", doing, err)
	}
	return data, nil
}

func (m *memoryObjects) Put(ctx context.Context, key string, r io.Reader) (held dossier.Held, err error) {
	const doing = "put object"
	id, err := m.Start(ctx, key)
	if err != nil {
		return held, err
	}
	data, err := all(ctx, doing, r)
	return held, errors.Join(err, m.do(context.WithoutCancel(ctx), doing, func() error {
		_, running := m.uploads[id]
		delete(m.uploads, id)
		_, taken := m.objects[key]
		switch {
		case err != nil:
			return nil
		case !running:
			return dossier.Unavailable(ctx, doing, errors.New("given up meanwhile"))
		case taken:
			return dossier.ErrExists
		}
		o := objectOf(data)
		m.objects[key], held = o, o.held
		return nil
	}))
}

func (m *memoryObjects) Stat(ctx context.Context, key string) (dossier.Held, error) {
	o, err := m.read(ctx, "stat object", key)
	return o.held, err
}

func (m *memoryObjects) Head(ctx context.Context, key string) (dossier.Head, error) {
	o, err := m.read(ctx, "head object", key)
	return dossier.Head{Size: o.held.Size}, err
}

func (m *memoryObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const doing = "open object"
	if offset < 0 {
		return nil, errors.New(doing + ": negative offset")
	}
	o, err := m.read(ctx, doing, key)
	if err != nil {
		return nil, err
	}
	rest := o.data[min(offset, o.held.Size):]
	if length >= 0 {
		rest = rest[:min(length, int64(len(rest)))]
	}
	return &openObject{ctx, bytes.NewReader(rest)}, nil
}

// openObject is what is read of an object.
type openObject struct {
	ctx context.Context
	r   *bytes.Reader
}

func (o *openObject) Read(p []byte) (int, error) {
	if o.ctx.Err() != nil {
		return 0, dossier.Unavailable(o.ctx, "read object", context.Cause(o.ctx))
	}
	return o.r.Read(p)
}

func (o *openObject) Close() error { return nil }

// Link is not offered, as by the embedded objects.
func (m *memoryObjects) Link(context.Context, string, dossier.ResponseHeader, time.Duration) (dossier.SignedRequest,
	error) {
	return dossier.SignedRequest{}, errors.ErrUnsupported
}

func (m *memoryObjects) Delete(ctx context.Context, key string) error {
	return m.at(ctx, "delete object", key, func() error {
		delete(m.objects, key)
		delete(m.kept, key)
		return nil
	})
}

func (m *memoryObjects) SetAside(ctx context.Context, key string, about []byte) error {
	return m.at(ctx, "set object aside", key, func() error {
		if o, ok := m.objects[key]; ok {
			delete(m.objects, key)
			m.kept[key] = keptObject{o, dossier.Kept{Key: key, About: bytes.Clone(about), At: time.Now().UTC()}}
		}
		return nil
	})
}

func (m *memoryObjects) Kept(ctx context.Context) iter.Seq2[dossier.Kept, error] {
	return walk(ctx, &m.guard, "list kept objects", func() (kept []dossier.Kept) {
		for _, k := range m.kept {
			kept = append(kept, k.Kept)
		}
		return kept
	})
}

func (m *memoryObjects) PutBack(ctx context.Context, key string) error {
	return m.at(ctx, "put object back", key, func() error {
		k, ok := m.kept[key]
		if !ok {
			return dossier.ErrNotFound
		}
		if o, taken := m.objects[key]; taken && (o.held != k.held || !o.at.Equal(k.at)) {
			return dossier.ErrExists
		}
		m.objects[key] = k.memoryObject
		return nil
	})
}

func (m *memoryObjects) ForgetKept(ctx context.Context, key string) error {
	return m.at(ctx, "forget a kept object", key, func() error { delete(m.kept, key); return nil })
}

func (m *memoryObjects) Expire(ctx context.Context, before time.Time) (n int, err error) {
	return get(ctx, &m.guard, "expire kept objects", func() (int, error) {
		had := len(m.kept)
		maps.DeleteFunc(m.kept, func(_ string, k keptObject) bool { return k.At.Before(before) })
		return had - len(m.kept), nil
	})
}

func (m *memoryObjects) List(ctx context.Context, prefix, after string) iter.Seq2[dossier.Object, error] {
	return walk(ctx, &m.guard, "list objects", func() (found []dossier.Object) {
		for key, o := range m.objects {
			if strings.HasPrefix(key, prefix) && key > after {
				found = append(found, dossier.Object{Key: key, Size: o.held.Size, ModifiedAt: o.at})
			}
		}
		slices.SortFunc(found, func(a, b dossier.Object) int { return cmp.Compare(a.Key, b.Key) })
		return found
	})
}

func (m *memoryObjects) Start(ctx context.Context, key string) (string, error) {
	id := rand.Text()
	return id, m.at(ctx, "start multipart upload", key, func() error {
		m.uploads[id] = memoryUpload{dossier.MultipartUpload{Key: key, ID: id, StartedAt: time.Now().UTC()},
			map[int]memoryPart{}}
		return nil
	})
}

// signature is that of the path and query of a request.
func (m *memoryObjects) signature(path string, query url.Values) string {
	mac := hmac.New(sha256.New, m.secret)
	fmt.Fprintf(mac, "%s?%s", path, query.Encode())
	return hex.EncodeToString(mac.Sum(nil))
}

// partPath is where the parts are sent to.
const partPath = "/memory"

func (m *memoryObjects) Sign(ctx context.Context, key, uploadID string, part dossier.Part,
	lifetime time.Duration) (r dossier.SignedRequest, err error) {
	const doing = "sign part"
	if uploadID == "" || part.Number < 1 || part.Number > dossier.MaxParts || part.Size < 0 ||
		part.Size > dossier.MaxPartSize || lifetime < time.Second || lifetime > 7*24*time.Hour {
		return r, errors.New(doing + ": out of range")
	}
	err = m.at(ctx, doing, key, func() error {
		size := strconv.FormatInt(part.Size, 10)
		expires := time.Now().Add(lifetime).UTC().Truncate(time.Millisecond)
		query := url.Values{"key": {key}, "upload": {uploadID}, "number": {strconv.Itoa(part.Number)}, "size": {size},
			"crc64": {strconv.FormatUint(part.CRC64, 16)}, "expires": {strconv.FormatInt(expires.UnixMilli(), 10)}}
		query.Set("signature", m.signature(partPath, query))
		r = dossier.SignedRequest{Method: http.MethodPut, URL: partPath + "?" + query.Encode(),
			Header: map[string]string{"Content-Length": size}, ExpiresAt: expires}
		return nil
	})
	return r, err
}

// Receive takes a part as objects.Directory does.
func (m *memoryObjects) Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error {
	const doing = "receive part"
	query := u.Query()
	signature := query.Get("signature")
	query.Del("signature")
	number := func(name string, base int) uint64 {
		n, _ := strconv.ParseUint(query.Get(name), base, 64) // it was signed
		return n
	}
	p := dossier.Part{Number: int(number("number", 10)), Size: int64(number("size", 10)), CRC64: number("crc64", 16)}
	if len(u.Query()["signature"]) != 1 || !hmac.Equal([]byte(signature), []byte(m.signature(u.Path, query))) ||
		time.Now().UnixMilli() >= int64(number("expires", 10)) || contentLength != p.Size {
		return dossier.ErrForbidden
	}
	data, err := all(ctx, doing, body)
	if err != nil {
		return err
	}
	if o := objectOf(data); o.held != (dossier.Held{Size: p.Size, CRC64: p.CRC64}) {
		return dossier.ErrCorrupt
	}
	return m.do(ctx, doing, func() error {
		upload, ok := m.uploads[query.Get("upload")]
		if !ok || upload.Key != query.Get("key") {
			return dossier.ErrNotFound
		}
		upload.parts[p.Number] = memoryPart{p, data}
		return nil
	})
}

// partsOf returns the parts that an upload has, in order.
func (m *memoryObjects) partsOf(key, uploadID string) ([]memoryPart, error) {
	upload, ok := m.uploads[uploadID]
	if !ok || upload.Key != key {
		return nil, dossier.ErrNotFound
	}
	return slices.SortedFunc(maps.Values(upload.parts), func(a, b memoryPart) int { return a.Number - b.Number }), nil
}

func (m *memoryObjects) Parts(ctx context.Context, key, uploadID string) (parts []dossier.Part, err error) {
	return get(ctx, &m.guard, "list parts", func() ([]dossier.Part, error) {
		held, err := m.partsOf(key, uploadID)
		for _, p := range held {
			parts = append(parts, p.Part)
		}
		return parts, err
	})
}

// minPart is the smallest part that S3 takes before the last.
const minPart = 5 << 20

func (m *memoryObjects) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part,
	whole dossier.Held) error {
	const doing = "finish multipart upload"
	return m.do(ctx, doing, func() error {
		held, err := m.partsOf(key, uploadID)
		if err != nil {
			return err
		}
		last := 0
		for i, p := range parts {
			if p.Number <= last || p.Number > dossier.MaxParts || p.Size < 0 ||
				p.Size < minPart && i < len(parts)-1 {
				return errors.New(doing + ": out of order, too many or too small")
			}
			last = p.Number
		}
		if len(parts) == 0 {
			return errors.New(doing + ": no parts")
		}
		var data []byte
		same := func(h memoryPart, p dossier.Part) bool { data = append(data, h.data...); return h.Part == p }
		if !slices.EqualFunc(held, parts, same) {
			return dossier.ErrCorrupt
		}
		o := objectOf(data)
		if o.held != whole {
			return dossier.ErrCorrupt
		}
		if there, taken := m.objects[key]; !taken {
			m.objects[key] = o
		} else if there.held != whole {
			return dossier.ErrExists
		}
		delete(m.uploads, uploadID)
		return nil
	})
}

func (m *memoryObjects) Drop(ctx context.Context, key, uploadID string) error {
	return m.at(ctx, "drop multipart upload", key, func() error {
		if m.uploads[uploadID].Key == key {
			delete(m.uploads, uploadID)
		}
		return nil
	})
}

func (m *memoryObjects) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.MultipartUpload, error] {
	return walk(ctx, &m.guard, "list multipart uploads", func() (found []dossier.MultipartUpload) {
		for _, u := range m.uploads {
			if u.StartedAt.Before(before) {
				found = append(found, u.MultipartUpload)
			}
		}
		return found
	})
}

func (m *memoryObjects) PutThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	b []byte) error {
	return m.do(ctx, "put thumbnail", func() error {
		if len(b) > dossier.MaxThumbnail {
			return errors.New("put thumbnail: too large")
		}
		m.thumbs[dossier.ThumbnailOf{Person: person, File: file}] = bytes.Clone(b)
		return nil
	})
}

func (m *memoryObjects) Thumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) ([]byte, error) {
	return get(ctx, &m.guard, "read thumbnail", func() ([]byte, error) {
		b, ok := m.thumbs[dossier.ThumbnailOf{Person: person, File: file}]
		if !ok {
			return nil, dossier.ErrNotFound
		}
		return bytes.Clone(b), nil
	})
}

func (m *memoryObjects) DeleteThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return m.do(ctx, "delete thumbnail", func() error {
		delete(m.thumbs, dossier.ThumbnailOf{Person: person, File: file})
		return nil
	})
}

func (m *memoryObjects) Thumbnails(ctx context.Context, after string) iter.Seq2[dossier.ThumbnailOf, error] {
	key := func(of dossier.ThumbnailOf) string { return dossier.ThumbnailKey(of.Person, of.File) }
	return walk(ctx, &m.guard, "list thumbnails", func() (found []dossier.ThumbnailOf) {
		for of := range m.thumbs {
			if key(of) > after {
				found = append(found, of)
			}
		}
		slices.SortFunc(found, func(a, b dossier.ThumbnailOf) int { return cmp.Compare(key(a), key(b)) })
		return found
	})
}
