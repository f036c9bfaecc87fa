package dossier_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"dossier.example/app"
)

// Whoever has all that the quota takes and sends the same form again is told that it is stored; other files are
// refused, and nothing new stays of either.
func TestAFullQuotaTakesWhatIsStored(t *testing.T) {
	files := []upload{direct, {"b.txt", []byte("beta")}, {"one.txt", []byte("1")}, {"empty.txt", nil}}
	var size int64
	for _, f := range files {
		size += int64(len(f.data))
	}
	onEachKind(t, func(t *testing.T, s stores) {
		for name, limits := range map[string]dossier.Limits{
			"of files": {PersonFiles: len(files)},
			"of bytes": {PersonBytes: size},
			"of both":  {PersonFiles: len(files), PersonBytes: size},
		} {
			t.Run(name, func(t *testing.T) {
				svc, r := s.service(limits), dossier.NewReceipt()
				if _, err := submit(t.Context(), svc, r, files); err != nil {
					t.Fatal(err)
				}
				s.checkComplete(t, r, files)
				before := s.records(t, r.Person)
				out, err := submit(t.Context(), svc, r, append(append([]upload{}, files...), files...))
				if err != nil {
					t.Fatalf("the same form again: %v", err)
				}
				for _, o := range out {
					if o.File == nil || o.Err != nil {
						t.Errorf("%s, sent again: %v", o.Name, o.Err)
					}
				}
				longer := append(bytes.Clone(direct.data), 'x')
				shorter := direct.data[:len(direct.data)-1]
				for _, other := range [][]byte{longer, flip(direct.data), append(shorter, longer...)} {
					out, err := submit(t.Context(), svc, r, []upload{{direct.name, other}})
					if err != nil || out[0].File != nil || codeOf(out[0].Err) != dossier.CodeQuota {
						t.Errorf("another file of the same name: %+v, %v", out, err)
					}
				}
				after := s.records(t, r.Person)
				if len(after) != len(before) {
					t.Errorf("%d records are there, want %d", len(after), len(before))
				}
				s.checkComplete(t, r, files)
				s.checkInvariants(t, false)
				want := dossier.Quota{Files: int64(len(files)), Bytes: size}
				if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Quota != want {
					t.Errorf("counted is %+v, %v, want %+v", u.Quota, err, want)
				}
			})
		}
	})
}

func flip(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)/2] ^= 1
	return data
}

// A damaged copy is no reason to refuse the whole one that is to replace it.
func TestAFullQuotaTakesWhatIsDamaged(t *testing.T) {
	limits := dossier.Limits{PersonFiles: 1, PersonBytes: int64(len(direct.data))}
	onEachKind(t, func(t *testing.T, s stores) {
		for what, damage := range damages {
			for way, send := range ways {
				t.Run(what+", "+way, func(t *testing.T) {
					svc, r := s.service(limits), dossier.NewReceipt()
					first, err := send(t.Context(), t, s, svc, r)
					if err != nil {
						t.Fatal(err)
					}
					damage(t, s, first)
					if again, err := send(t.Context(), t, s, svc, r); err != nil || again.ID == first.ID {
						t.Fatalf("sent again: %+v, %v", again, err)
					}
					s.checkComplete(t, r, []upload{direct})
					if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Quota != first.Counted() {
						t.Errorf("counted is %+v, %v", u.Quota, err)
					}
				})
			}
		}
	})
}

// A form that breaks off while a file is compared with one that is stored acknowledges nothing.
func TestAFullQuotaAndABrokenForm(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.Limits{PersonFiles: 1})
	if _, err := submit(t.Context(), svc, r, []upload{direct}); err != nil {
		t.Fatal(err)
	}
	sub, err := svc.Begin(t.Context(), r, ada)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the sender went away")
	half := io.MultiReader(bytes.NewReader(direct.data[:len(direct.data)/2]), iotest.ErrReader(broken))
	if err := sub.AddFile(t.Context(), direct.name, half); !errors.Is(err, broken) {
		t.Errorf("AddFile: %v, want the sender's error", err)
	}
	sub.Abandon(t.Context())
	s.checkComplete(t, r, []upload{direct})
}
