//go:build unix

package catalog

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

// sharedDynamoDB returns the server of all tests but those that stop it.
var sharedDynamoDB = servers.Shared(servers.DynamoDB)

// newTable makes a table of its own and returns the settings of a client that retries as the SDK does, but without its
// pauses and its budget, which the tests' many faults would use up.
func newTable(t *testing.T, cfg aws.Config) (aws.Config, string) {
	t.Helper()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) {
				return time.Millisecond, nil
			})
		})
	}
	client := dynamodb.NewFromConfig(cfg)
	name := "catalog-" + dossier.NewFileID().String()
	if _, err := client.CreateTable(t.Context(), TableInput(name)); err != nil {
		t.Fatal(err)
	}
	wait := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	if err := wait.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	return cfg, name
}

// newDynamoDB returns a catalog in a new table, and the wire to it.
func newDynamoDB(t *testing.T, cfg aws.Config) (*DynamoDB, *wire) {
	t.Helper()
	cfg, table := newTable(t, cfg)
	return handle(cfg, table)
}

func handle(cfg aws.Config, table string) (*DynamoDB, *wire) {
	w := &wire{to: awshttp.NewBuildableClient(), operations: map[string]int{}}
	cfg.HTTPClient = w
	d := NewDynamoDB(cfg, DynamoDBConfig{Table: table})
	d.page = testPage
	return d, w
}

// wire carries the requests of one handle. A test may cut it, look, or step in, at any request.
type wire struct {
	to aws.HTTPClient

	mu         sync.Mutex
	n          int            // requests since the last call of each
	operations map[string]int // requests ever, by operation
	// before is called with the number of the request, from 1 on: an error is returned in place of sending it. So is a
	// response.
	before func(n int, req *http.Request) (*http.Response, error)
	// after is called when it took effect: an error is returned in place of its answer.
	after func(n int) error
}

var errCut = errors.New("connection cut by the test")

func (w *wire) set(before func(int, *http.Request) (*http.Response, error), after func(int) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n, w.before, w.after = 0, before, after
}

// mend makes it carry everything again and returns how many requests there were.
func (w *wire) mend() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.n
	w.n, w.before, w.after = 0, nil, nil
	return n
}

// crash lets request n be the last: it takes effect or not, and nothing is heard or sent any more.
func (w *wire) crash(n int, effect bool) {
	w.set(func(i int, _ *http.Request) (*http.Response, error) {
		if i > n || i == n && !effect {
			return nil, errCut
		}
		return nil, nil
	}, func(i int) error {
		if i == n {
			return errCut
		}
		return nil
	})
}

// lose loses the answer to request n only.
func (w *wire) lose(n int) {
	w.set(nil, func(i int) error {
		if i == n {
			return errCut
		}
		return nil
	})
}

// stepIn does something right before request n is sent.
func (w *wire) stepIn(n int, do func()) {
	w.set(func(i int, _ *http.Request) (*http.Response, error) {
		if i == n {
			do()
		}
		return nil, nil
	}, nil)
}

func (w *wire) Do(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.n++
	w.operations[req.Header.Get("X-Amz-Target")]++
	n, before, after := w.n, w.before, w.after
	w.mu.Unlock()
	if before != nil {
		if res, err := before(n, req); res != nil || err != nil {
			return res, err
		}
	}
	res, err := w.to.Do(req)
	if err == nil && after != nil {
		if err := after(n); err != nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			return nil, err
		}
	}
	return res, err
}

// bench is a table with a handle for the tests' own steps and one, with a wire, for what is tested.
type bench struct {
	*testing.T
	sound  *DynamoDB
	tested *DynamoDB
	wire   *wire
	// asPut: records are described by their Put, and try relies on that.
	asPut bool
}

func newBench(t *testing.T, cfg aws.Config) *bench {
	t.Helper()
	cfg, table := newTable(t, cfg)
	b := &bench{T: t}
	b.sound, _ = handle(cfg, table)
	b.tested, b.wire = handle(cfg, table)
	return b
}

var pairs = []dossier.Content{
	{Size: 10, SHA256: [32]byte{1}, CRC64: 1, Type: "image/png"},
	{Size: 20, SHA256: [32]byte{2}, CRC64: 2, Type: "image/png"},
}

// must fails the test when a step does.
func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// described puts a file with the first of the pairs.
func (b *bench) described(person dossier.PersonID) dossier.File {
	b.Helper()
	f := newFile(b.T)
	f.Person = person
	if b.asPut {
		f.Content = &pairs[0]
		b.must(b.sound.Put(b.Context(), f))
		return f
	}
	b.must(b.sound.Put(b.Context(), f))
	b.describe(f, 0)
	f.Content = &pairs[0]
	return f
}

// try commits through the tested handle.
func (b *bench) try(f dossier.File) (dossier.File, error) {
	if b.asPut {
		return b.tested.CommitAsPut(b.Context(), f, f.UpdatedAt)
	}
	return b.tested.Commit(b.Context(), f.Person, f.ID, f.UpdatedAt)
}

func (b *bench) describe(f dossier.File, pair int) {
	b.Helper()
	b.must(b.sound.Describe(b.Context(), f.Person, f.ID, pairs[pair], f.UpdatedAt))
}

// commit wants the answer to be a file of the same content that is stored, now.
func (b *bench) commit(f dossier.File) dossier.File {
	b.Helper()
	got, err := b.sound.Commit(b.Context(), f.Person, f.ID, f.UpdatedAt)
	b.must(err)
	now, err := b.sound.File(b.Context(), got.Person, got.ID)
	if err != nil || now.State != dossier.FileStored {
		b.Fatalf("Commit answered %v; it is %v, %v", got, now, err)
	}
	asked := now
	if f.ID != got.ID {
		asked, err = b.sound.File(b.Context(), f.Person, f.ID)
	}
	if err != nil || *asked.Content != *got.Content {
		b.Fatalf("Commit of %v, %v, answered with the content of %v", asked, err, got)
	}
	return got
}

func (b *bench) mark(f dossier.File) {
	b.Helper()
	b.must(b.sound.MarkDeleting(b.Context(), f.Person, f.ID, f.UpdatedAt, dossier.FileUploading, dossier.FileStored))
}

func (b *bench) remove(f dossier.File) {
	b.Helper()
	b.mark(f)
	b.must(removes(b.sound, f))
}

func removes(d *DynamoDB, f dossier.File) error {
	_, err := d.Remove(context.Background(), f.Person, f.ID, f.UpdatedAt)
	return err
}

// claimed leaves a described file whose Commit died when it had its claim.
func (b *bench) claimed(person dossier.PersonID) dossier.File {
	b.Helper()
	f := b.described(person)
	b.wire.crash(2, true)
	if _, err := b.tested.Commit(b.Context(), person, f.ID, f.UpdatedAt); !errors.Is(err, dossier.ErrUnavailable) {
		b.Fatalf("Commit that died: got error %v, want ErrUnavailable", err)
	}
	b.wire.mend()
	_, claims := b.items(person)
	if !slices.ContainsFunc(claims, func(i *item) bool { return i.Owner == f.ID.String() }) {
		b.Fatal("a Commit cut after its second request has no claim")
	}
	return f
}

// items returns what the table has of a person, as it is, but for the ids of removed files.
func (b *bench) items(person dossier.PersonID) (records, claims []*item) {
	b.Helper()
	in := &dynamodb.QueryInput{ConsistentRead: aws.Bool(true)}
	for i, err := range b.sound.query(b.Context(), "look at the table", in,
		expression.Key("person_id").Equal(expression.Value(person.String()))) {
		b.must(err)
		switch {
		case i.Owner != "":
			claims = append(claims, i)
		case !strings.HasPrefix(i.File, retiredKey("")):
			records = append(records, i)
		}
	}
	return records, claims
}

// sane checks what must hold in a table at every moment.
func (b *bench) sane(person dossier.PersonID) {
	b.Helper()
	records, claims := b.items(person)
	held := map[string]*item{}
	for _, c := range claims {
		held[c.File] = c
	}
	for _, r := range records {
		id, err := dossier.ParseFileID(r.File)
		b.must(err)
		if r.ObjectKey != dossier.ObjectKey(person, id) {
			b.Errorf("object_key is %q", r.ObjectKey)
		}
		if r.State == dossier.FileStored {
			// One claim cannot be two things, so this is uniqueness too.
			if c := held[r.claimKey()]; c == nil || c.Owner != r.File || c.Revision != r.Revision {
				b.Errorf("stored record %s (revision %d) has the claim %+v", r.File, r.Revision, c)
			}
			if r.Unfinished != "" || r.ExpiresAt != nil {
				b.Errorf("stored record is in the index as %q, expires at %v", r.Unfinished, r.ExpiresAt)
			}
			continue
		}
		if want := bucket(r.State, shard(id)); r.Unfinished != want {
			b.Errorf("record is in the index as %q, want %q", r.Unfinished, want)
		}
		if r.ExpiresAt == nil || *r.ExpiresAt != *r.UpdatedAt/1e6+7*24*3600 {
			b.Errorf("record changed at %d µs expires at %v s", *r.UpdatedAt, r.ExpiresAt)
		}
	}
}

// empties removes all records of a person and wants nothing to be left: no claim either.
func (b *bench) empties(person dossier.PersonID) {
	b.Helper()
	files, err := b.sound.Files(b.Context(), person, dossier.FileID{}, math.MaxInt32)
	b.must(err)
	for _, f := range files {
		b.remove(f)
	}
	if records, claims := b.items(person); len(records)+len(claims) > 0 {
		b.Errorf("after everything was removed: %d records and %d claims are left", len(records), len(claims))
	}
}
