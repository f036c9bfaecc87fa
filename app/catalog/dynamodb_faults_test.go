//go:build unix

package catalog

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

// An answer that is lost on its way makes the SDK send the request again, which then meets its own effect. Nobody may
// notice.
func TestDynamoDBLostAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	ctx := t.Context()
	for _, test := range []struct {
		name string
		make func(person dossier.PersonID) dossier.File
		do   func(f dossier.File) error
		want error
		then dossier.FileState // empty: absent
	}{
		{"Put", func(person dossier.PersonID) dossier.File { f := newFile(t); f.Person = person; return f },
			func(f dossier.File) error { return b.tested.Put(ctx, f) }, nil, dossier.FileUploading},
		{"Put of a taken id", b.described,
			func(f dossier.File) error { return b.tested.Put(ctx, f) }, dossier.ErrExists, dossier.FileUploading},
		{"Describe", b.described,
			func(f dossier.File) error { return b.tested.Describe(ctx, f.Person, f.ID, pairs[1], f.UpdatedAt) }, nil,
			dossier.FileUploading},
		{"Describe of a stored one",
			func(person dossier.PersonID) dossier.File { return b.commit(b.described(person)) },
			func(f dossier.File) error { return b.tested.Describe(ctx, f.Person, f.ID, *f.Content, f.UpdatedAt) },
			dossier.ErrLost, dossier.FileStored},
		{"MarkDeleting", b.described,
			func(f dossier.File) error {
				return b.tested.MarkDeleting(ctx, f.Person, f.ID, f.UpdatedAt, dossier.FileUploading)
			}, nil, dossier.FileDeleting},
		{"MarkDeleting of one in another state", b.described,
			func(f dossier.File) error {
				return b.tested.MarkDeleting(ctx, f.Person, f.ID, f.UpdatedAt, dossier.FileStored)
			}, dossier.ErrLost, dossier.FileUploading},
		{"Remove", func(person dossier.PersonID) dossier.File {
			f := b.commit(b.described(person))
			b.mark(f)
			return f
		},
			func(f dossier.File) error { return removes(b.tested, f) }, nil, ""},
		{"Commit", b.described, func(f dossier.File) error { return commits(b, f, f.ID) }, nil, dossier.FileStored},
	} {
		b.loses(test.name, func() (func() error, func()) {
			person := dossier.NewPersonID()
			f := test.make(person)
			return func() error { return test.do(f) }, func() {
				b.sane(person)
				now, err := b.sound.File(ctx, person, f.ID)
				if test.then == "" && !errors.Is(err, dossier.ErrNotFound) ||
					test.then != "" && (err != nil || now.State != test.then) {
					b.Errorf("%s: now it is %v, %v", test.name, now, err)
				}
			}
		}, test.want)
	}

	// A Describe whose answer is lost, and whose record somebody finishes before the SDK tries again.
	f := newFile(t)
	b.must(b.sound.Put(ctx, f))
	b.wire.set(func(n int, _ *http.Request) (*http.Response, error) {
		if n == 2 {
			b.commit(f)
		}
		return nil, nil
	}, func(n int) error {
		if n == 1 {
			return errCut
		}
		return nil
	})
	if err := b.tested.Describe(ctx, f.Person, f.ID, pairs[0], f.UpdatedAt); err != nil {
		t.Errorf("Describe, finished by another before its answer: %v", err)
	}
	b.wire.mend()
}

// loses repeats a call, made anew, with the answer to its first request lost, then to its second, and so on.
func (b *bench) loses(name string, make func() (do func() error, check func()), want error) {
	b.Helper()
	for n := 1; n < maxRequests; n++ {
		do, check := make()
		b.wire.lose(n)
		err := do()
		made := b.wire.mend()
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			b.Errorf("%s with answer %d of %d lost: got error %v, want %v", name, n, made, err, want)
		}
		check()
		if made < n || b.Failed() {
			return
		}
	}
	b.Fatalf("%s never ends", name)
}

// everyCall returns a call of each method, for a file that is described.
func everyCall(d *DynamoDB, f dossier.File) map[string]func(context.Context) error {
	last := func(err error, _ dossier.File, next error) error {
		if err == nil {
			err = next
		}
		return err
	}
	return map[string]func(context.Context) error{
		"Ping": d.Ping,
		"Put": func(ctx context.Context) error {
			f.ID = dossier.NewFileID()
			return d.Put(ctx, f)
		},
		"File": func(ctx context.Context) error { _, err := d.File(ctx, f.Person, f.ID); return err },
		"Files": func(ctx context.Context) error {
			_, err := d.Files(ctx, f.Person, dossier.FileID{}, 1)
			return err
		},
		"Describe": func(ctx context.Context) error { return d.Describe(ctx, f.Person, f.ID, pairs[0], f.UpdatedAt) },
		"Commit": func(ctx context.Context) error {
			_, err := d.Commit(ctx, f.Person, f.ID, f.UpdatedAt)
			return err
		},
		"CommitAsPut": func(ctx context.Context) error {
			f := f
			f.Content = &pairs[0]
			_, err := d.CommitAsPut(ctx, f, f.UpdatedAt)
			return err
		},
		"MarkDeleting": func(ctx context.Context) error {
			return d.MarkDeleting(ctx, f.Person, f.ID, f.UpdatedAt, dossier.FileUploading, dossier.FileStored)
		},
		"Touch":  func(ctx context.Context) error { return d.Touch(ctx, f.Person, f.ID, f.UpdatedAt) },
		"Remove": func(ctx context.Context) error { _, err := d.Remove(ctx, f.Person, f.ID, f.UpdatedAt); return err },
		"Reserve": func(ctx context.Context) error {
			_, err := d.Reserve(ctx, f.Person, f.Counted(), dossier.Quota{Files: 1 << 40, Bytes: 1 << 40}, f.UpdatedAt)
			return err
		},
		"Release": func(ctx context.Context) error {
			return d.Release(ctx, f.Person, f.Counted(), "epoch", f.UpdatedAt)
		},
		"Usage": func(ctx context.Context) error { _, err := d.Usage(ctx, f.Person); return err },
		"Recount": func(ctx context.Context) error {
			return d.Recount(ctx, dossier.Usage{Person: f.Person}, f.Counted(), f.UpdatedAt)
		},
		"Miscounted": func(ctx context.Context) (err error) {
			for _, next := range d.Miscounted(ctx) {
				err = last(err, f, next)
			}
			return err
		},
		"Unfinished": func(ctx context.Context) (err error) {
			for f, next := range d.Unfinished(ctx, f.UpdatedAt.Add(time.Second)) {
				err = last(err, f, next)
			}
			return err
		},
		"All": func(ctx context.Context) (err error) {
			for f, next := range d.All(ctx) {
				err = last(err, f, next)
			}
			return err
		},
	}
}

// allFail wants every method to fail as told.
func allFail(t *testing.T, doing string, ctx context.Context, d *DynamoDB, f dossier.File, want error) {
	t.Helper()
	for name, call := range everyCall(d, f) {
		if err := call(ctx); !errors.Is(err, want) ||
			want != dossier.ErrUnavailable && errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s %s: got error %v, want %v", name, doing, err, want)
		}
	}
}

func TestDynamoDBBadTimes(t *testing.T) {
	t.Parallel()
	server := servers.DynamoDB(t)
	b := newBench(t, server.Config())
	// Bounds a call that would hang; nothing takes nearly as long.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := b.described(dossier.NewPersonID())
	// What a server that hangs was asked to do it may do later: hence another file for the calls that fail.
	victim := b.described(dossier.NewPersonID())
	b.must(b.tested.Ping(ctx))

	b.tested.timeout = 100 * time.Millisecond
	server.Pause()
	allFail(t, "while the server hangs", ctx, b.tested, victim, dossier.ErrUnavailable)
	b.tested.timeout = time.Hour
	short, cancelShort := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancelShort()
	if _, err := b.tested.File(short, f.Person, f.ID); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("File with a deadline while the server hangs: got error %v, want ErrUnavailable", err)
	}
	stopped, stop := context.WithCancel(ctx)
	b.wire.stepIn(1, stop)
	if _, err := b.tested.File(stopped, f.Person, f.ID); !errors.Is(err, context.Canceled) ||
		errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("File, cancelled while the server hangs: got error %v, want context.Canceled", err)
	}
	b.wire.mend()
	server.Resume()
	b.tested.timeout = defaultTimeout
	if _, err := b.tested.File(ctx, f.Person, f.ID); err != nil {
		t.Errorf("File after the server hung: %v", err)
	}

	server.Kill()
	allFail(t, "while the server is down", ctx, b.tested, victim, dossier.ErrUnavailable)
	server.Restart()
	b.must(b.tested.Ping(ctx))
	if got, err := b.tested.File(ctx, f.Person, f.ID); err != nil || got.Content == nil || *got.Content != *f.Content {
		t.Errorf("File after a restart: got %v, %v; want %v", got, err, f)
	}
	if got := b.commit(f); got.ID != f.ID {
		t.Errorf("Commit after a restart: got %v, want %v", got, f)
	}
}

func TestDynamoDBWithoutTable(t *testing.T) {
	t.Parallel()
	d, _ := handle(sharedDynamoDB(t).Config(), "no-such-table")
	allFail(t, "without a table", t.Context(), d, newFile(t), dossier.ErrUnavailable)
}

// refusal is an error answer as DynamoDB gives it.
func refusal(status int, code string) *http.Response {
	body := []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"told by the test"}`)
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			"X-Amz-Crc32":  {strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)},
		},
	}
}

func TestDynamoDBRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	f := b.described(dossier.NewPersonID())
	for _, test := range []struct {
		status int
		code   string
		want   error // nil: an error without a code
	}{
		{400, "AccessDeniedException", dossier.ErrUnavailable},
		{400, "UnrecognizedClientException", dossier.ErrUnavailable},
		{400, "ExpiredTokenException", dossier.ErrUnavailable},
		{400, "ThrottlingException", dossier.ErrUnavailable},
		{400, "ProvisionedThroughputExceededException", dossier.ErrUnavailable},
		{400, "RequestLimitExceeded", dossier.ErrUnavailable},
		{500, "InternalServerError", dossier.ErrUnavailable},
		{503, "ServiceUnavailable", dossier.ErrUnavailable},
		{400, "ValidationException", nil},
	} {
		b.wire.set(func(int, *http.Request) (*http.Response, error) { return refusal(test.status, test.code), nil },
			nil)
		for name, call := range everyCall(b.tested, f) {
			err := call(t.Context())
			if err == nil || test.want != nil && !errors.Is(err, test.want) || test.want == nil && coded(err) {
				t.Errorf("%s, refused with %s: got error %v, want %v", name, test.code, err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), test.code) {
				t.Errorf("%s, refused with %s: the error does not tell: %v", name, test.code, err)
			}
		}
	}
	// A single one of the passing kind is not noticed.
	b.wire.set(func(n int, _ *http.Request) (*http.Response, error) {
		if n == 1 {
			return refusal(400, "ThrottlingException"), nil
		}
		return nil, nil
	}, nil)
	if _, err := b.tested.File(t.Context(), f.Person, f.ID); err != nil {
		t.Errorf("File, throttled once: %v", err)
	}
}
