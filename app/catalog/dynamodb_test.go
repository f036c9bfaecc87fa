//go:build unix

package catalog

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/storetest"
)

// every runs the tests of interrupted calls in all combinations. By default they take a part that has each situation, each request
// and each interruption several times.
var every = flag.Bool("every", false, "interrupt calls in every combination (takes twice as long)")

// newTable makes a table of its own and returns the settings of a client that retries as the SDK does, but without its pauses and its
// budget, which the tests' many faults would use up.
func newTable(t *testing.T, cfg aws.Config) (aws.Config, string) {
	t.Helper()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
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

func TestDynamoDB(t *testing.T) {
	t.Parallel()
	server := servers.DynamoDB(t)
	storetest.Catalog(t, func(t *testing.T) dossier.Catalog {
		d, _ := newDynamoDB(t, server.Config())
		return d
	})
}

// wire carries the requests of one handle. A test may cut it, look, or step in, at any request.
type wire struct {
	to aws.HTTPClient

	mu         sync.Mutex
	n          int            // requests since the last call of each
	operations map[string]int // requests ever, by operation
	// before is called with the number of the request, from 1 on: an error is returned in place of sending it. So is a response.
	before func(n int, req *http.Request) (*http.Response, error)
	// after is called when it took effect: an error is returned in place of its answer.
	after func(n int) error
}

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

var errCut = errors.New("connection cut by the test")

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
	b.must(b.sound.Put(b.Context(), f))
	b.describe(f, 0)
	f.Content = &pairs[0]
	return f
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
	if now, err := b.sound.File(b.Context(), got.Person, got.ID); err != nil || now.State != dossier.FileStored {
		b.Fatalf("Commit answered %v; it is %v, %v", got, now, err)
	}
	if asked, err := b.sound.File(b.Context(), f.Person, f.ID); err != nil || *asked.Content != *got.Content {
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
	_, err := d.Remove(context.Background(), f.Person, f.ID)
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

// items returns what the table has of a person, as it is.
func (b *bench) items(person dossier.PersonID) (records, claims []*item) {
	b.Helper()
	in := &dynamodb.QueryInput{ConsistentRead: aws.Bool(true)}
	for i, err := range b.sound.query(b.Context(), "look at the table", in, expression.Key("person_id").Equal(expression.Value(person.String()))) {
		b.must(err)
		if i.Owner != "" {
			claims = append(claims, i)
		} else {
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

// before are the situations in which a Commit may find the claim. Each returns the file to commit, and the other, if there is one.
var before = []struct {
	name string
	make func(b *bench, person dossier.PersonID) (own, other dossier.File)
}{
	{"no claim", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.described(person), other
	}},
	{"own claim", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.claimed(person), other
	}},
	{"own claim of an earlier revision", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		own = b.claimed(person)
		b.describe(own, 0)
		return own, other
	}},
	{"claim of a stored one", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.described(person)
		b.commit(other)
		return b.described(person), other
	}},
	{"claim of one that commits", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.described(person), b.claimed(person)
	}},
	{"claim of one described anew as something else", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.describe(other, 1)
		return b.described(person), other
	}},
	{"claim of one described anew as the same", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.describe(other, 0)
		return b.described(person), other
	}},
	{"claim of one stored as something else", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.describe(other, 1)
		b.commit(other)
		return b.described(person), other
	}},
	{"claim of one that is deleting", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.mark(other)
		return b.described(person), other
	}},
	{"claim of one that is gone", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		// As if its claim had been written behind Remove's back.
		b.must(b.sound.remove(b.Context(), "test", person.String(), other.ID.String(), inState(dossier.FileUploading)))
		return b.described(person), other
	}},
}

// situations runs a test in each of them, each with a table of its own. A combination whose number chosen does not take is left out.
func situations(t *testing.T, test func(b *bench, make maker, chosen func(i, of int) bool)) {
	server := servers.DynamoDB(t)
	for nth, s := range before {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, server.Config())
			test(b, func() (dossier.PersonID, dossier.File, dossier.File) {
				t.Helper()
				person := dossier.NewPersonID()
				own, other := s.make(b, person)
				return person, own, other
			}, func(i, of int) bool { return *every || (i+nth)%of == 0 })
		})
	}
}

// maker makes the situation anew for another person.
type maker = func() (person dossier.PersonID, own, other dossier.File)

// maxRequests is more than any call here makes; a test that gets there would never end.
const maxRequests = 50

// A Commit that dies at any request leaves nothing that harms: not itself when repeated, not the next of the same content, and not
// the deletion of its file.
func TestDynamoDBCommitDies(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, chosen func(i, of int) bool) {
		then := []struct {
			name string
			do   func(person dossier.PersonID, own dossier.File)
		}{
			{"the same again", func(_ dossier.PersonID, own dossier.File) {
				answer := b.commit(own)
				if again := b.commit(own); again.ID != answer.ID {
					b.Errorf("Commit repeated: answers %v and %v", answer.ID, again.ID)
				}
			}},
			{"the next of the same content", func(person dossier.PersonID, own dossier.File) {
				answer := b.commit(b.described(person))
				if again := b.commit(own); again.ID != answer.ID {
					b.Errorf("Commits of the same content: answers %v and %v", answer.ID, again.ID)
				}
			}},
			{"deletion", func(person dossier.PersonID, own dossier.File) {
				b.remove(own)
				if _, claims := b.items(person); slices.ContainsFunc(claims, func(c *item) bool { return c.Owner == own.ID.String() }) {
					b.Error("Remove left a claim")
				}
				if answer := b.commit(b.described(person)); answer.ID == own.ID {
					b.Error("Commit answers with a removed file")
				}
			}},
		}
		for n := 1; ; n++ {
			if n == maxRequests {
				b.Fatal("Commit never ends")
			}
			ended := false
			for _, effect := range []bool{false, true} {
				for i, next := range then {
					if i += n; effect {
						i++
					}
					if !chosen(i, len(then)) {
						continue
					}
					person, own, _ := make()
					b.wire.crash(n, effect)
					_, err := b.tested.Commit(b.Context(), person, own.ID, own.UpdatedAt)
					made := b.wire.mend()
					if ended = made < n; ended == (err != nil) {
						b.Fatalf("Commit that died at request %d of %d: got error %v", n, made, err)
					}
					if err != nil && !errors.Is(err, dossier.ErrUnavailable) {
						b.Fatalf("Commit that died at request %d: got error %v, want ErrUnavailable", n, err)
					}
					b.sane(person)
					next.do(person, own)
					b.sane(person)
					b.empties(person)
					if b.Failed() {
						b.Fatalf("that was: Commit that died at request %d (took effect: %v), then %s", n, effect, next.name)
					}
				}
			}
			if ended {
				return
			}
		}
	})
}

// Whatever others do between any two requests of a Commit, at most one file of a name and content is stored, with its claim, and the
// answer is one that is stored or was while the call ran.
func TestDynamoDBCommitInterrupted(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, chosen func(i, of int) bool) {
		var person dossier.PersonID
		var own, other dossier.File
		// gone are the files that were deleted in between.
		gone := map[dossier.FileID]bool{}
		drop := func(f dossier.File, do func(dossier.File)) {
			gone[f.ID] = true
			if _, err := b.sound.File(b.Context(), f.Person, f.ID); err == nil {
				do(f)
			}
		}
		// A step may find the file in another state already.
		perhaps := func(err error) {
			if err != nil && !errors.Is(err, dossier.ErrLost) {
				b.Fatal(err)
			}
		}
		describe := func(f dossier.File, pair int) {
			perhaps(b.sound.Describe(b.Context(), person, f.ID, pairs[pair], f.UpdatedAt))
		}
		commit := func(f dossier.File) {
			_, err := b.sound.Commit(b.Context(), person, f.ID, f.UpdatedAt)
			perhaps(err)
		}
		next := func() dossier.File { return b.commit(b.described(person)) }
		between := []struct {
			name string
			do   func()
		}{
			{"own is marked", func() { drop(own, b.mark) }},
			{"own is removed", func() { drop(own, b.remove) }},
			{"own is removed, next is committed", func() { drop(own, b.remove); next() }},
			{"own is committed", func() { b.commit(own) }},
			{"own is committed and removed", func() { drop(b.commit(own), b.remove); drop(own, b.remove) }},
			{"own is described as another", func() { describe(own, 1) }},
			{"own is another for a while", func() { describe(own, 1); describe(own, 0) }},
			{"own is another for a while, next is committed", func() { describe(own, 1); next(); describe(own, 0) }},
			{"next is committed", func() { next() }},
			{"next is committed and removed", func() { drop(next(), b.remove) }},
			{"other is marked", func() { drop(other, b.mark) }},
			{"other is removed", func() { drop(other, b.remove) }},
			{"other is the same again and is committed", func() { describe(other, 0); commit(other) }},
			{"other is removed, next is committed", func() { drop(other, b.remove); next() }},
		}
		for i, between := range between {
			for n := 1; ; n++ {
				if n == maxRequests {
					b.Fatal("Commit never ends")
				}
				if !chosen(i+n, 3) && n < 10 {
					continue
				}
				person, own, other = make()
				if other.ID == (dossier.FileID{}) && strings.HasPrefix(between.name, "other") {
					break
				}
				clear(gone)
				b.wire.stepIn(n, between.do)
				answer, err := b.tested.Commit(b.Context(), person, own.ID, own.UpdatedAt)
				if made := b.wire.mend(); made < n {
					break
				}
				b.sane(person)
				switch {
				case errors.Is(err, dossier.ErrLost):
					if !gone[own.ID] {
						b.Error("ErrLost, though nobody deleted the file")
					}
					// While the record is there, Remove sees to its claims.
					records, claims := b.items(person)
					if !slices.ContainsFunc(records, func(r *item) bool { return r.File == own.ID.String() }) &&
						slices.ContainsFunc(claims, func(c *item) bool { return c.Owner == own.ID.String() }) {
						b.Error("ErrLost, and a claim without a record is left")
					}
				case err != nil:
					b.Errorf("error %v", err)
				case answer.State != dossier.FileStored || answer.Name != own.Name || *answer.Content != pairs[0] && between.name != "own is described as another":
					b.Errorf("answer %v", answer)
				case !gone[answer.ID]:
					if now, err := b.sound.File(b.Context(), person, answer.ID); err != nil || now.State != dossier.FileStored {
						b.Errorf("answer %v; now it is %v, %v", answer, now, err)
					}
				}
				if b.Failed() {
					b.Fatalf("that was: before request %d of Commit, %s", n, between.name)
				}
			}
		}
	})
}

// A Commit that slept while its record was described anew, and dies when it wrote its claim, takes nothing from the Commit of the new
// revision that is just under way.
func TestDynamoDBCommitLateWriter(t *testing.T) {
	t.Parallel()
	cfg, table := newTable(t, servers.DynamoDB(t).Config())
	b := &bench{T: t}
	b.sound, _ = handle(cfg, table)
	b.tested, b.wire = handle(cfg, table)
	late, lateWire := handle(cfg, table)

	person := dossier.NewPersonID()
	f := b.described(person)
	asleep, wake, dead := make(chan struct{}), make(chan struct{}), make(chan error)
	lateWire.set(func(n int, _ *http.Request) (*http.Response, error) {
		switch {
		case n == 2: // about to write its claim
			close(asleep)
			<-wake
		case n > 2:
			return nil, errCut
		}
		return nil, nil
	}, nil)
	go func() {
		_, err := late.Commit(t.Context(), person, f.ID, f.UpdatedAt)
		dead <- err
	}()
	<-asleep
	b.describe(f, 0)
	b.wire.stepIn(3, func() { // it has its claim and is about to store
		close(wake)
		if err := <-dead; !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("the late Commit: got error %v, want ErrUnavailable", err)
		}
		b.commit(b.described(person))
	})
	if err := commits(b, f, f.ID); err != nil {
		t.Errorf("the Commit under way: %v", err)
	}
	b.sane(person)
	b.empties(person)
}

// A Remove that dies at any request is found again and ends well; meanwhile the content can be committed anew.
func TestDynamoDBRemoveDies(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, chosen func(i, of int) bool) {
		if !chosen(0, 3) {
			return
		}
		for n := 1; ; n++ {
			if n == maxRequests {
				b.Fatal("Remove never ends")
			}
			ended := false
			for _, effect := range []bool{false, true} {
				person, own, _ := make()
				b.commit(own)
				b.mark(own)
				b.wire.crash(n, effect)
				err := removes(b.tested, own)
				made := b.wire.mend()
				if ended = made < n; ended == (err != nil) {
					b.Fatalf("Remove that died at request %d of %d: got error %v", n, made, err)
				}
				b.sane(person)
				_, err = b.sound.File(b.Context(), person, own.ID)
				if _, claims := b.items(person); err != nil && slices.ContainsFunc(claims, func(c *item) bool { return c.Owner == own.ID.String() }) {
					b.Error("the record is gone, its claim is not")
				}
				if answer := b.commit(b.described(person)); answer.ID == own.ID {
					b.Error("Commit answers with a file that is deleting")
				}
				b.must(removes(b.sound, own))
				b.sane(person)
				b.empties(person)
				if b.Failed() {
					b.Fatalf("that was: Remove that died at request %d (took effect: %v)", n, effect)
				}
			}
			if ended {
				return
			}
		}
	})
}

// An answer that is lost on its way makes the SDK send the request again, which then meets its own effect. Nobody may
// notice.
func TestDynamoDBLostAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
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
			func(f dossier.File) error { return b.tested.Describe(ctx, f.Person, f.ID, pairs[1], f.UpdatedAt) }, nil, dossier.FileUploading},
		{"Describe of a stored one", func(person dossier.PersonID) dossier.File { return b.commit(b.described(person)) },
			func(f dossier.File) error { return b.tested.Describe(ctx, f.Person, f.ID, *f.Content, f.UpdatedAt) }, dossier.ErrLost, dossier.FileStored},
		{"MarkDeleting", b.described,
			func(f dossier.File) error {
				return b.tested.MarkDeleting(ctx, f.Person, f.ID, f.UpdatedAt, dossier.FileUploading)
			}, nil, dossier.FileDeleting},
		{"MarkDeleting of one in another state", b.described,
			func(f dossier.File) error {
				return b.tested.MarkDeleting(ctx, f.Person, f.ID, f.UpdatedAt, dossier.FileStored)
			}, dossier.ErrLost, dossier.FileUploading},
		{"Remove", func(person dossier.PersonID) dossier.File { f := b.commit(b.described(person)); b.mark(f); return f },
			func(f dossier.File) error { return removes(b.tested, f) }, nil, ""},
		{"Commit", b.described, func(f dossier.File) error { return commits(b, f, f.ID) }, nil, dossier.FileStored},
	} {
		b.loses(test.name, func() (func() error, func()) {
			person := dossier.NewPersonID()
			f := test.make(person)
			return func() error { return test.do(f) }, func() {
				b.sane(person)
				now, err := b.sound.File(ctx, person, f.ID)
				if test.then == "" && !errors.Is(err, dossier.ErrNotFound) || test.then != "" && (err != nil || now.State != test.then) {
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

// A counter is changed once, whichever answer is lost: what was counted twice, or not taken off, would keep files out, and what was taken off
// twice would let too many in.
func TestDynamoDBCountersLoseAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	ctx, at := t.Context(), time.Now()
	most, one := dossier.Quota{Files: 10, Bytes: 1000}, dossier.Quota{Files: 1, Bytes: 10}
	for _, test := range []struct {
		name string
		have int64 // files before
		do   func(u dossier.Usage) error
		want error
		then int64 // files afterwards
	}{
		{"Reserve of the first", 0, func(u dossier.Usage) error { _, err := b.tested.Reserve(ctx, u.Person, one, most, at); return err }, nil, 1},
		{"Reserve of the last", 9, func(u dossier.Usage) error { _, err := b.tested.Reserve(ctx, u.Person, one, most, at); return err }, nil, 10},
		{"Release of one", 3, func(u dossier.Usage) error { return b.tested.Release(ctx, u.Person, one, u.Epoch, at) }, nil, 2},
		{"Release of the last", 1, func(u dossier.Usage) error { return b.tested.Release(ctx, u.Person, one, u.Epoch, at) }, nil, 0},
		{"Recount", 3, func(u dossier.Usage) error { return b.tested.Recount(ctx, u, dossier.Quota{Files: 2, Bytes: 20}, at) }, nil, 2},
		{"Recount of the first", 0, func(u dossier.Usage) error { return b.tested.Recount(ctx, u, one, at) }, nil, 1},
		{"Recount to nothing", 3, func(u dossier.Usage) error { return b.tested.Recount(ctx, u, dossier.Quota{}, at) }, nil, 0},
		{"Recount of what was seen otherwise", 3, func(u dossier.Usage) error { u.Revision = "another"; return b.tested.Recount(ctx, u, one, at) }, dossier.ErrLost, 3},
	} {
		b.loses(test.name, func() (func() error, func()) {
			seen := dossier.Usage{Person: dossier.NewPersonID()}
			for range test.have {
				var err error
				seen, err = b.sound.Reserve(ctx, seen.Person, one, most, at)
				b.must(err)
			}
			return func() error { return test.do(seen) }, func() {
				u, err := b.sound.Usage(ctx, seen.Person)
				if err != nil || u.Quota != (dossier.Quota{Files: test.then, Bytes: 10 * test.then}) || (u.Epoch == "") != (test.then == 0) {
					b.Errorf("%s: now there is %+v, %v; want %d files", test.name, u, err, test.then)
				}
			}
		}, test.want)
	}

	// Somebody else writes before the look that follows a lost answer: nobody knows then, and nothing is done twice.
	for _, test := range []struct {
		name string
		do   func(u dossier.Usage) error
		then int64
	}{
		{"Reserve", func(u dossier.Usage) error { _, err := b.tested.Reserve(ctx, u.Person, one, most, at); return err }, 5},
		{"Release", func(u dossier.Usage) error { return b.tested.Release(ctx, u.Person, one, u.Epoch, at) }, 3},
	} {
		person := dossier.NewPersonID()
		seen, err := b.sound.Reserve(ctx, person, dossier.Quota{Files: 3, Bytes: 30}, most, at)
		b.must(err)
		b.wire.set(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 2 {
				_, err := b.sound.Reserve(ctx, person, one, most, at)
				b.must(err)
			}
			return nil, nil
		}, func(n int) error {
			if n == 1 {
				return errCut
			}
			return nil
		})
		if err := test.do(seen); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s whose answer was lost, and whose effect was written over: got error %v, want ErrUnavailable", test.name, err)
		}
		b.wire.mend()
		if u, err := b.sound.Usage(ctx, person); err != nil || u.Files != test.then {
			t.Errorf("%s whose answer was lost: now there is %+v, %v; want %d files", test.name, u, err, test.then)
		}
	}

	// A refusal that is lost is not told from an addition that is.
	for name, do := range map[string]func(u dossier.Usage) error{
		"Reserve of one too many":  func(u dossier.Usage) error { _, err := b.tested.Reserve(ctx, u.Person, one, one, at); return err },
		"Release in another epoch": func(u dossier.Usage) error { return b.tested.Release(ctx, u.Person, one, "another", at) },
	} {
		seen, err := b.sound.Reserve(ctx, dossier.NewPersonID(), one, one, at)
		b.must(err)
		b.wire.lose(1)
		if err := do(seen); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s whose answer was lost: got error %v, want ErrUnavailable", name, err)
		}
		b.wire.mend()
		if u, err := b.sound.Usage(ctx, seen.Person); err != nil || u != seen {
			t.Errorf("%s whose answer was lost: now there is %+v, %v; want %+v", name, u, err, seen)
		}
	}

	// One that was refused unseen is sent again.
	for _, code := range []string{"ThrottlingException", "ProvisionedThroughputExceededException"} {
		person := dossier.NewPersonID()
		b.wire.set(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return refusal(400, code), nil
			}
			return nil, nil
		}, nil)
		if u, err := b.tested.Reserve(ctx, person, one, most, at); err != nil || u.Files != 1 {
			t.Errorf("Reserve, throttled once with %s: got %+v, %v", code, u, err)
		}
		b.wire.mend()
	}
}

// A Release that dies between its two requests leaves a counter at zero. It counts as one, and goes with the next.
func TestDynamoDBReleaseDies(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	ctx, at := t.Context(), time.Now()
	one := dossier.Quota{Files: 1, Bytes: 10}
	person := dossier.NewPersonID()
	seen, err := b.sound.Reserve(ctx, person, one, one, at)
	b.must(err)
	b.wire.crash(2, false)
	if err := b.tested.Release(ctx, person, one, seen.Epoch, at); !errors.Is(err, dossier.ErrUnavailable) {
		t.Fatalf("Release that died: got error %v, want ErrUnavailable", err)
	}
	if u, err := b.sound.Usage(ctx, person); err != nil || u.Quota != (dossier.Quota{}) || u.Epoch == "" {
		t.Fatalf("after a Release that died there is %+v, %v; want a counter at zero", u, err)
	}
	u, err := b.sound.Reserve(ctx, person, one, one, at)
	b.must(err)
	b.must(b.sound.Release(ctx, person, one, u.Epoch, at))
	if u, err := b.sound.Usage(ctx, person); err != nil || u.Epoch != "" {
		t.Errorf("after the last Release there is %+v, %v; want no counter", u, err)
	}
}

// An id that is used a second time does not repeat a revision: a Commit that slept through the first file's removal neither stores the second
// one nor leaves a claim that would.
func TestDynamoDBCommitSleepsIntoASecondLife(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	for n := 2; ; n++ {
		person := dossier.NewPersonID()
		first := b.described(person)
		second := first
		second.CreatedAt = first.CreatedAt.Add(time.Millisecond)
		b.wire.stepIn(n, func() {
			if now, err := b.sound.File(t.Context(), person, first.ID); err == nil && now.State != dossier.FileStored {
				b.remove(first)
				b.must(b.sound.Put(t.Context(), second))
				b.must(b.sound.Describe(t.Context(), person, second.ID, dossier.Content{Size: 10, SHA256: [32]byte{1}, CRC64: 1}, second.UpdatedAt))
			}
		})
		_, err := b.tested.Commit(t.Context(), person, first.ID, first.UpdatedAt)
		if b.wire.mend() < n {
			return
		}
		if !errors.Is(err, dossier.ErrIncomplete) {
			t.Errorf("Commit that slept before request %d: got error %v, want ErrIncomplete", n, err)
		}
		if now, err := b.sound.File(t.Context(), person, second.ID); err != nil || now.State != dossier.FileUploading {
			t.Errorf("after a Commit that slept before request %d the second file is %v, %v; want it uploading", n, now, err)
		}
		// The next of the same content is not stored through what was left.
		next := b.described(person)
		if got := b.commit(next); got.ID != next.ID {
			t.Errorf("Commit of another answers with %v", got)
		}
		if b.Failed() || n == maxRequests {
			t.FailNow()
		}
	}
}

// Commit in every situation, with each answer lost in turn.
func TestDynamoDBCommitLostAnswers(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, _ func(i, of int) bool) {
		_, own, other := make()
		answer := b.commit(own)
		wantOther := answer.ID == other.ID
		b.loses("Commit", func() (func() error, func()) {
			person, own, other := make()
			want := own.ID
			if wantOther {
				want = other.ID
			}
			return func() error { return commits(b, own, want) }, func() { b.sane(person); b.empties(person) }
		}, nil)
	})
}

// commits commits through the tested handle and wants the answer to be a certain file.
func commits(b *bench, f dossier.File, want dossier.FileID) error {
	got, err := b.tested.Commit(b.Context(), f.Person, f.ID, f.UpdatedAt)
	if err == nil && (got.ID != want || got.State != dossier.FileStored) {
		return fmt.Errorf("answer %v, want file %v", got, want)
	}
	return err
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
		"File":     func(ctx context.Context) error { _, err := d.File(ctx, f.Person, f.ID); return err },
		"Files":    func(ctx context.Context) error { _, err := d.Files(ctx, f.Person, dossier.FileID{}, 1); return err },
		"Describe": func(ctx context.Context) error { return d.Describe(ctx, f.Person, f.ID, pairs[0], f.UpdatedAt) },
		"Commit":   func(ctx context.Context) error { _, err := d.Commit(ctx, f.Person, f.ID, f.UpdatedAt); return err },
		"MarkDeleting": func(ctx context.Context) error {
			return d.MarkDeleting(ctx, f.Person, f.ID, f.UpdatedAt, dossier.FileUploading, dossier.FileStored)
		},
		"Touch":  func(ctx context.Context) error { return d.Touch(ctx, f.Person, f.ID, f.UpdatedAt) },
		"Remove": func(ctx context.Context) error { _, err := d.Remove(ctx, f.Person, f.ID); return err },
		"Reserve": func(ctx context.Context) error {
			_, err := d.Reserve(ctx, f.Person, f.Counted(), dossier.Quota{Files: 1 << 40, Bytes: 1 << 40}, f.UpdatedAt)
			return err
		},
		"Release": func(ctx context.Context) error { return d.Release(ctx, f.Person, f.Counted(), "epoch", f.UpdatedAt) },
		"Usage":   func(ctx context.Context) error { _, err := d.Usage(ctx, f.Person); return err },
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
		if err := call(ctx); !errors.Is(err, want) || want != dossier.ErrUnavailable && errors.Is(err, dossier.ErrUnavailable) {
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
	b.tested.timeout = 100 * time.Millisecond
	b.must(b.tested.Ping(ctx))

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
	if _, err := b.tested.File(stopped, f.Person, f.ID); !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
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
	d, _ := handle(servers.DynamoDB(t).Config(), "no-such-table")
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
	b := newBench(t, servers.DynamoDB(t).Config())
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
		b.wire.set(func(int, *http.Request) (*http.Response, error) { return refusal(test.status, test.code), nil }, nil)
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

// The permissions that the documentation of DynamoDB lists are those that are needed. And every read is consistent but those of the index,
// which cannot be, and Ping, which does not care: the test's server would not show the difference.
func TestDynamoDBOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	f := b.described(dossier.NewPersonID())
	b.wire.set(func(_ int, req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		loose := bytes.Contains(body, []byte(`"IndexName":"unfinished"`)) || bytes.Contains(body, []byte(`"ping"`))
		if slices.Contains([]string{"GetItem", "Query", "Scan"}, operation) && bytes.Contains(body, []byte(`"ConsistentRead":true`)) == loose {
			t.Errorf("%s should be consistent: %v; the request is %s", operation, !loose, body)
		}
		return nil, nil
	}, nil)
	for range 2 {
		for _, call := range everyCall(b.tested, f) {
			if err := call(t.Context()); err != nil && !coded(err) {
				t.Fatal(err)
			}
		}
	}
	person := dossier.NewPersonID()
	gone := b.described(person)
	b.commit(gone)
	b.mark(gone)
	b.must(removes(b.tested, gone))
	var got []string
	for target := range maps.Keys(b.wire.operations) {
		_, operation, _ := strings.Cut(target, ".")
		got = append(got, operation)
	}
	slices.Sort(got)
	if want := []string{"DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"}; !slices.Equal(got, want) {
		t.Errorf("operations: got %v, want %v", got, want)
	}
}

// A claim that nobody owns any more goes with the next Remove of any file of the person, and one that has an owner stays.
func TestDynamoDBRemoveClearsClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	person := dossier.NewPersonID()
	orphan := b.claimed(person)
	b.must(b.sound.remove(t.Context(), "test", person.String(), orphan.ID.String(), inState(dossier.FileUploading)))
	kept := newFile(t)
	kept.Person, kept.Name = person, "kept"
	b.must(b.sound.Put(t.Context(), kept))
	b.describe(kept, 0)
	b.commit(kept)
	bystander := b.described(person)
	b.remove(bystander)
	if _, claims := b.items(person); len(claims) != 1 || claims[0].Owner != kept.ID.String() {
		t.Errorf("after Remove there are %d claims, want that of the stored file only", len(claims))
	}
	b.empties(person)
}

// A Remove that walks slowly meets the claim of a file that was put behind its back: it keeps its hands off.
func TestDynamoDBRemoveSparesNewClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	b.tested.page = 1
	for n := 1; ; n++ {
		if n == maxRequests {
			t.Fatal("Remove never ends")
		}
		person := dossier.NewPersonID()
		f := b.described(person)
		b.mark(f)
		b.wire.stepIn(n, func() {
			early := newFile(t)
			early.Person, early.ID[0] = person, 0 // sorts before f
			b.must(b.sound.Put(t.Context(), early))
			b.describe(early, 0)
			b.commit(early)
		})
		b.must(removes(b.tested, f))
		if b.wire.mend() < n {
			return
		}
		b.sane(person)
		b.empties(person)
		if b.Failed() {
			t.Fatalf("that was: a file committed before request %d of Remove", n)
		}
	}
}

// An item that this program cannot have written is a fault that needs a person, not an outage and not a file.
func TestDynamoDBStrangeItems(t *testing.T) {
	t.Parallel()
	b := newBench(t, servers.DynamoDB(t).Config())
	for name, spoil := range map[string]func(*item){
		"no upload size": func(i *item) { i.UploadID, i.PartSize = aws.String("t"), aws.Int64(1) },
		"no times":       func(i *item) { i.CreatedAt, i.UpdatedAt, i.Unfinished = nil, nil, "" },
		"short SHA-256":  func(i *item) { i.Size, i.SHA256, i.CRC64 = aws.Int64(1), "abc", formatCRC64(1) },
		"no CRC-64":      func(i *item) { i.Size, i.SHA256 = aws.Int64(1), formatSHA256([32]byte{}) },
		"foreign CRC-64": func(i *item) { i.Size, i.SHA256, i.CRC64 = aws.Int64(1), formatSHA256([32]byte{}), "+000000000000001" },
	} {
		f := newFile(t)
		i := newItem(f)
		spoil(&i)
		attributes, err := attributevalue.MarshalMap(i)
		b.must(err)
		_, err = b.sound.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.sound.table, Item: attributes})
		b.must(err)
		if got, err := b.sound.File(t.Context(), f.Person, f.ID); err == nil || coded(err) {
			t.Errorf("File of an item with %s: got %v, %v; want an error without a code", name, got, err)
		}
	}
}
