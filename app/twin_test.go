package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// The ways in which a stored object is damaged behind the program's back.
var damages = map[string]func(t *testing.T, s stores, f dossier.File){
	"missing": func(t *testing.T, s stores, f dossier.File) {
		if err := s.objects.Delete(t.Context(), f.Key()); err != nil {
			t.Fatal(err)
		}
	},
	"other bytes": func(t *testing.T, s stores, f dossier.File) { s.replace(t, f, flipped(t, s, f)) },
	"a byte less": func(t *testing.T, s stores, f dossier.File) {
		data := flipped(t, s, f)
		s.replace(t, f, data[:len(data)-1])
	},
}

func flipped(t *testing.T, s stores, f dossier.File) []byte {
	t.Helper()
	r, err := s.objects.Open(t.Context(), f.Key(), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	return data
}

// replace puts other bytes in the place of an object.
func (s stores) replace(t *testing.T, f dossier.File, data []byte) {
	t.Helper()
	if err := s.objects.Delete(t.Context(), f.Key()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.objects.Put(t.Context(), f.Key(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

// The ways in which a file is sent again.
var ways = map[string]func(ctx context.Context, t *testing.T, s stores, svc *dossier.Service,
	r dossier.Receipt) (dossier.File, error){
	"by the form": func(ctx context.Context, _ *testing.T, _ stores, svc *dossier.Service,
		r dossier.Receipt) (dossier.File, error) {
		out, err := submit(ctx, svc, r, []upload{direct})
		if err != nil {
			return dossier.File{}, err
		}
		if out[0].File == nil {
			return dossier.File{}, out[0].Err
		}
		return *out[0].File, nil
	},
	"directly": func(_ context.Context, t *testing.T, s stores, svc *dossier.Service, r dossier.Receipt) (dossier.File,
		error) {
		return s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
	},
}

// A file whose stored object is damaged is whole again when it is sent again, whichever way, and what was damaged goes.
func TestSendingAgainHeals(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		for what, damage := range damages {
			for way, send := range ways {
				t.Run(what+", sent again "+way, func(t *testing.T) {
					r, svc := dossier.NewReceipt(), s.service(dossier.DefaultLimits())
					first, err := ways["directly"](t.Context(), t, s, svc, r)
					if err != nil {
						t.Fatal(err)
					}
					whole, err := send(t.Context(), t, s, svc, r)
					if err != nil || whole.ID != first.ID {
						t.Fatalf("sent again while it is whole: file %s, %v, want %s", whole.ID, err, first.ID)
					}
					damage(t, s, first)
					again, err := send(t.Context(), t, s, svc, r)
					if err != nil {
						t.Fatalf("sent again: %v", err)
					}
					if again.ID == first.ID || again.Damage != nil {
						t.Errorf("the answer is %+v, which is what was damaged", again)
					}
					s.checkComplete(t, r, []upload{direct})
					s.checkInvariants(t, false)
					if files := s.records(t, r.Person); len(files) != 1 {
						t.Errorf("%d records are left, want one", len(files))
					}
					if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Quota != again.Counted() {
						t.Errorf("counted is %+v, %v", u, err)
					}
				})
			}
		}
	})
}

// What the store says of an object may be right, and its bytes wrong: a disk that flips a bit below an S3 server.
func TestSendingAgainReadsTheTwin(t *testing.T) {
	for way, send := range ways {
		t.Run(way, func(t *testing.T) {
			s, r := fresh(t), dossier.NewReceipt()
			first, err := send(t.Context(), t, s, s.service(dossier.DefaultLimits()), r)
			if err != nil {
				t.Fatal(err)
			}
			bent := s
			bent.objects = bendingReads{s.objects, func(r io.ReadCloser) io.ReadCloser {
				data, _ := io.ReadAll(r)
				if len(data) > 0 {
					data[len(data)-1] ^= 1
				}
				return reader{bytes.NewReader(data), r}
			}}
			f, err := send(t.Context(), t, bent, bent.service(dossier.DefaultLimits()), r)
			if err == nil && f.ID == first.ID {
				t.Errorf("the twin is acknowledged though its bytes differ")
			}
		})
	}
}

// Nobody makes the store read more than a bound by sending the same again and again.
func TestReadingTwinsIsBounded(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	const size = 64 << 20
	data := make([]byte, size)
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, []upload{{"large", data}}); err != nil {
		t.Fatal(err)
	}
	read := int64(0)
	counting := s
	counting.objects = bendingReads{s.objects, func(r io.ReadCloser) io.ReadCloser { return countedReads{r, &read} }}
	svc := counting.service(dossier.DefaultLimits())
	id := s.records(t, r.Person)[0].ID
	for range 60 {
		files, err := svc.Check(t.Context(), r.Person, []dossier.FileID{id})
		if err != nil || len(files) != 1 || files[0].Damage != nil {
			t.Fatalf("Check: %+v, %v", files, err)
		}
	}
	if const2 := int64(2 << 30); read < size || read > const2 {
		t.Errorf("%d bytes were read for one person within an hour", read)
	}
	s.clock.forward(time.Hour)
	before := read
	if _, err := svc.Check(t.Context(), r.Person, []dossier.FileID{id}); err != nil || read == before {
		t.Errorf("an hour later nothing is read any more: %v", err)
	}
}

type countedReads struct {
	io.ReadCloser
	n *int64
}

func (r countedReads) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	*r.n += int64(n)
	return n, err
}

// Every call that sending again makes goes wrong in every way, with a twin that is damaged. What is acknowledged is
// whole; sent once more it is; and reconciliation clears the rest.
func TestFaultAtEveryStepOverADamagedTwin(t *testing.T) {
	for _, what := range []string{"missing", "other bytes"} {
		damage := damages[what]
		for way, send := range ways {
			prepare := func(t *testing.T) (stores, dossier.Receipt) {
				s, r := fresh(t), dossier.NewReceipt()
				f, err := ways["directly"](t.Context(), t, s, s.service(dossier.DefaultLimits()), r)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, s, f)
				return s, r
			}
			s, r := prepare(t)
			clean := noFault()
			if _, err := send(t.Context(), t, s, s.faulty(clean), r); err != nil {
				t.Fatal(err)
			}
			if calls := strings.Join(clean.Calls(), " "); !strings.Contains(calls, "SetDamage") {
				t.Fatalf("the twin was not found to be damaged: %s", calls)
			}
			for i, call := range clean.Calls() {
				for _, m := range modes(call) {
					t.Run(fmt.Sprintf("%s, %s, %s", what, way, name(i, call, m)), func(t *testing.T) {
						t.Parallel()
						s, r := prepare(t)
						got, err := send(t.Context(), t, s, s.faulty(faultOf(clean.Calls(), i, m)), r)
						if err == nil {
							s.checkWhole(t, got)
						}
						again, err := send(t.Context(), t, s, s.service(dossier.DefaultLimits()), r)
						if err != nil {
							t.Fatalf("sent once more: %v", err)
						}
						s.checkWhole(t, again)
						s.checkComplete(t, r, []upload{direct})
						s.reconcileAll(t)
						s.checkComplete(t, r, []upload{direct})
						s.checkInvariants(t, true)
					})
					t.Run(fmt.Sprintf("%s, %s, %s, given up", what, way, name(i, call, m)), func(t *testing.T) {
						t.Parallel()
						s, r := prepare(t)
						got, err := send(t.Context(), t, s, s.faulty(faultOf(clean.Calls(), i, m)), r)
						// What is damaged still stands there with its mark, or the new one does, whole.
						s.clock.forward(7 * 24 * time.Hour)
						svc := s.service(dossier.DefaultLimits())
						for range 3 {
							if _, err := svc.Reconcile(t.Context(),
								dossier.ReconcileOptions{OlderThan: time.Hour, Sweep: true,
									Verify: true}, nil); err != nil {
								t.Fatal(err)
							}
							s.clock.forward(7 * 24 * time.Hour)
						}
						files := s.records(t, r.Person)
						if len(files) != 1 || files[0].State != dossier.FileStored {
							t.Fatalf("left are %+v", files)
						}
						if err == nil || files[0].Damage == nil {
							s.checkWhole(t, files[0])
						}
						if err == nil && files[0].ID != got.ID {
							t.Errorf("acknowledged was %s, left is %s", got.ID, files[0].ID)
						}
					})
				}
			}
		}
	}
}

// checkWhole reads a stored file and compares it with what was sent.
func (s stores) checkWhole(t *testing.T, f dossier.File) {
	t.Helper()
	r, err := s.service(dossier.DefaultLimits()).Open(t.Context(), f, dossier.ToAll, 0, -1)
	if err != nil {
		t.Fatalf("open what was acknowledged: %v", err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err != nil || !bytes.Equal(data, direct.data) {
		t.Errorf("what was acknowledged has %d bytes, %v", len(data), err)
	}
}

// Many send the damaged file again at once, in both ways: one takes its place.
func TestManyReplaceADamagedTwin(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		for what, damage := range damages {
			t.Run(what, func(t *testing.T) {
				r, svc := dossier.NewReceipt(), s.service(dossier.DefaultLimits())
				f, err := ways["directly"](t.Context(), t, s, svc, r)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, s, f)
				got := make([]dossier.File, 8)
				errs := make([]error, len(got))
				atOnce(len(got), func(i int) {
					way := []string{"by the form", "directly"}[i%2]
					got[i], errs[i] = ways[way](t.Context(), t, s, s.service(dossier.DefaultLimits()), r)
				})
				for i := range got {
					if errs[i] != nil {
						t.Errorf("sender %d: %v", i, errs[i])
					} else if got[i].ID != got[0].ID || got[i].ID == f.ID {
						t.Errorf("sender %d was answered with %s, the first with %s, damaged was %s", i, got[i].ID,
							got[0].ID, f.ID)
					}
				}
				s.checkComplete(t, r, []upload{direct})
			})
		}
	})
}

// Reading a whole file tells where it differs before its last bytes, marks it, and unmarks it when it is whole again.
func TestOpenComparesTheWhole(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		for what, damage := range damages {
			t.Run(what, func(t *testing.T) {
				r, svc := dossier.NewReceipt(), s.service(dossier.DefaultLimits())
				f, err := ways["directly"](t.Context(), t, s, svc, r)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, s, f)
				for range 2 {
					body, err := svc.Open(t.Context(), f, dossier.ToAll, 0, -1)
					var data []byte
					if err == nil {
						data, err = io.ReadAll(body)
						_ = body.Close()
					}
					if codeOf(err) != dossier.CodeDamaged || len(data) >= len(direct.data) {
						t.Errorf("read %d bytes of %d, %v", len(data), len(direct.data), err)
					}
				}
				marked := s.records(t, r.Person)[0]
				if marked.Damage == nil {
					t.Fatal("the file is not marked")
				}
				custody, err := svc.Custody(t.Context())
				if err != nil || s.kind() == "embedded" && custody.DamagedFiles == 0 {
					t.Errorf("custody is %+v, %v", custody, err)
				}
				s.replace(t, f, direct.data)
				s.checkWhole(t, marked)
				if now := s.records(t, r.Person)[0]; now.Damage != nil {
					t.Errorf("the file is whole again, and still marked: %+v", now.Damage)
				}
			})
		}
	})
}

// kind tells which stores they are.
func (s stores) kind() string {
	if _, ok := s.objects.(interface {
		Origin(context.Context) (string, error)
	}); ok {
		return "cloud"
	}
	return "embedded"
}

// A file that was deleted since it was read is no damage.
func TestADeletedFileIsNoDamage(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	f, err := ways["directly"](t.Context(), t, s, svc, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.DeleteFile(t.Context(), r.Person, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Open(t.Context(), f, dossier.ToAll, 0, -1); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("open a deleted file: %v, want ErrNotFound", err)
	}
	if files, err := svc.Check(t.Context(), r.Person, []dossier.FileID{f.ID}); err != nil || len(files) != 0 {
		t.Errorf("check a deleted file: %+v, %v", files, err)
	}
}
