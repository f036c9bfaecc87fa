package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// The kinds of Repair of PutBack.
const (
	// RepairPutBack: a file that reconciliation had removed is stored again.
	RepairPutBack = "put removed file back"
	// RepairTwin: a file was not put back, because the person already has it under the same name.
	RepairTwin = "left removed file: the same is stored"
	// LeftWithoutPerson: a file was not put back, because its person does not exist.
	LeftWithoutPerson = "LEFT: person of removed file is missing"
)

// PutBack undoes what reconciliation removed automatically and the embedded store still keeps: each file whose person
// exists becomes stored again, as it was; if its bytes have changed since, it is marked as damaged. In a bucket, the
// bytes are old versions instead. What is put back is passed to done as it happens. It may be repeated, and one failure
// does not end it; the returned error joins the first ten reasons.
func (s *Service) PutBack(ctx context.Context, done func(Repair)) (*ReconcileReport, error) {
	r := newReconciler(s, ReconcileOptions{}, done)
	for k, err := range s.objects.Kept(ctx) {
		if err != nil {
			r.failed(fmt.Errorf("list what was removed: %w", err))
			break
		}
		person, file, err := ParseObjectKey(k.Key)
		if err != nil {
			continue
		}
		f := File{Person: person, ID: file}
		what, err := s.putBack(ctx, f, k)
		if err == nil && what != LeftWithoutPerson {
			// Not before, so that another call finds what an interrupted one has left.
			err = s.objects.ForgetKept(ctx, k.Key)
		}
		if err != nil {
			r.failed(fmt.Errorf("put %s back: %w", k.Key, err))
			continue
		}
		r.tell(fileRepair(what, f))
	}
	return r.report, errors.Join(r.errs...)
}

func (s *Service) putBack(ctx context.Context, f File, k Kept) (what string, err error) {
	p, err := s.people.Person(ctx, f.Person)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && p.State == PersonDeleting:
		return LeftWithoutPerson, nil
	case err != nil:
		return "", fmt.Errorf("read person: %w", err)
	}
	var was kept
	if err := json.Unmarshal(k.About, &was); err != nil {
		return "", fmt.Errorf("read what is kept of it: %w", err)
	}
	now, err := s.catalog.File(ctx, f.Person, f.ID)
	switch {
	case err == nil && now.State == FileStored:
		// The record was restored from a backup.
		back := s.objects.PutBack(ctx, k.Key)
		if back != nil && !errors.Is(back, ErrExists) {
			return "", back
		}
		what, err := s.judgeBack(ctx, now, was)
		if err == nil && back != nil && what != RepairPutBack {
			err = errors.New("the file has another object, which is damaged: move that away, and try again")
		}
		return what, err
	case err == nil && now.State == FileDeleting:
		return "", Errorf(CodeLost, nil, "the file is still being deleted; try again once it is removed")
	case err != nil && !errors.Is(err, ErrNotFound):
		return "", fmt.Errorf("read file record: %w", err)
	case err != nil:
		if f, err = s.putRecordBack(ctx, f, p, was, k.At); err != nil {
			return "", err
		}
	default:
		f = now // an earlier call ended in the middle
	}
	if err := s.objects.PutBack(ctx, k.Key); err != nil && !errors.Is(err, ErrExists) {
		return "", err
	}
	content := was.Content
	if content == nil {
		if content, err = s.contentOf(ctx, f); err != nil {
			return "", err
		}
	}
	return s.storeBack(ctx, f, *content, was)
}

// storeBack stores a file whose record and object exist again.
func (s *Service) storeBack(ctx context.Context, f File, content Content, was kept) (what string, err error) {
	if f.Content == nil && f.Multipart == nil {
		if err := s.countBack(ctx, f.Person, Quota{Bytes: content.Size}); err != nil {
			return "", err
		}
	}
	if err := s.catalog.Describe(ctx, f.Person, f.ID, content, s.time()); err != nil {
		return "", fmt.Errorf("describe file: %w", err)
	}
	stored, err := s.commit(ctx, f, content)
	switch {
	case err != nil:
		return "", err
	case stored.ID == f.ID:
		return s.judgeBack(ctx, stored, was)
	case content.same(stored):
		s.discardTwin(ctx, f)
		return RepairTwin, nil
	}
	// Two files with one name and SHA-256 cannot both be stored, and these are not the same: so it stays where it was.
	f.Content = &content
	if err := s.take(ctx, f, FileUploading); err != nil {
		return "", fmt.Errorf("set object aside again: %w", err)
	}
	return "", fmt.Errorf("file %s of this person has its path and SHA-256, but other bytes: delete the one that is "+
		"wrong, and try again", stored.ID)
}

// judgeBack moves a file that was put back to the trash if it came from there, and compares it with its record: what
// was set aside may have been damaged, before or since.
func (s *Service) judgeBack(ctx context.Context, f File, was kept) (what string, err error) {
	if trash := (Trash{At: was.TrashedAt, By: was.TrashedBy}); trash != (Trash{}) {
		err := s.catalog.SetTrash(ctx, f.Person, f.ID, time.Time{}, trash)
		if err != nil && !errors.Is(err, ErrLost) { // lost: it is there again
			return "", fmt.Errorf("move file to the trash: %w", err)
		}
	}
	kind, err := s.examine(ctx, f, true)
	if err == nil {
		_, err = s.judge(ctx, f, kind)
	}
	switch {
	case err != nil:
		return "", err
	case kind != "":
		return damageOf[kind], nil
	}
	return RepairPutBack, nil
}

// putRecordBack puts the record of a file that was removed with its object, or that had none, and returns it.
func (s *Service) putRecordBack(ctx context.Context, f File, p Person, was kept, at time.Time) (File, error) {
	f.Folder, f.Name, f.Author, f.State = was.Folder, was.Name, was.Author, FileUploading
	f.CreatedAt = was.Created.Truncate(time.Microsecond)
	f.UpdatedAt, f.Scan = s.time(), s.firstScan()
	if f.Name == "" {
		f.Name, f.Author = CleanFileName("recovered "+f.ID.String()), p.Name
	}
	if f.CreatedAt.IsZero() {
		f.CreatedAt = at.Truncate(time.Microsecond)
	}
	if err := s.countBack(ctx, f.Person, f.Counted()); err != nil {
		return File{}, err
	}
	if err := s.catalog.Put(ctx, f); err != nil {
		return File{}, fmt.Errorf("put file record: %w", err)
	}
	return f, nil
}

// countBack counts what a person had before, whatever the quota is by now.
func (s *Service) countBack(ctx context.Context, person PersonID, add Quota) error {
	// The budget does not matter: it was taken before.
	if err := s.store.take(ctx, add.amount(), amount{Files: boundless / 2, Bytes: boundless / 2}); err != nil {
		return err
	}
	if _, err := s.catalog.Reserve(ctx, person, add, Quota{math.MaxInt64, math.MaxInt64}, s.time()); err != nil {
		return fmt.Errorf("count file: %w", err)
	}
	return nil
}

// contentOf reads a file's complete object and describes it.
func (s *Service) contentOf(ctx context.Context, f File) (*Content, error) {
	r, err := s.objects.Open(ctx, f.Key(), 0, -1)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	defer r.Close() // only read from
	d := newDigest()
	if _, err := io.CopyBuffer(&d, struct{ io.Reader }{r}, make([]byte, readBuffer)); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	content := d.content()
	return &content, nil
}
