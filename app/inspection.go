package dossier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
)

// Inspection is the result of Inspect: whether the three stores belong together. It reads no object's bytes;
// ReconcileOptions.Verify does.
type Inspection struct {
	// Records counts all records of files, Stored those that are stored, Objects all objects.
	Records, Stored, Objects int
	// Lost are stored files whose object is missing or has another size, and that are not yet marked as damaged.
	Lost Sample
	// Abandoned are records whose person is missing.
	Abandoned Sample
	// Ownerless are objects without a record.
	Ownerless Sample
}

// Sample is a number of files, and the first of them.
type Sample struct {
	Count int
	// First are up to ten, as "person/file".
	First []string
}

func (s *Sample) add(p PersonID, f FileID) {
	if s.Count++; len(s.First) < 10 {
		s.First = append(s.First, p.String()+"/"+f.String())
	}
}

// Torn reports whether so much is wrong that the stores can hardly be from the same moment: all of something, or more
// than a twentieth of it and more than one.
func (i Inspection) Torn() bool {
	return tooMuch(i.Lost.Count, i.Stored) || tooMuch(i.Abandoned.Count, i.Records) ||
		tooMuch(i.Ownerless.Count, i.Objects)
}

// Inspect compares all records with the listing of all objects, and with the people, in one pass and with bounded
// memory. It may run beside any number of instances: what changes meanwhile is checked again. The catalog must yield
// its records in the order of their keys, as the embedded one does.
func (s *Service) Inspect(ctx context.Context) (Inspection, error) {
	i := inspector{Service: s}
	objects, stop := iter.Pull2(s.objects.List(ctx, ObjectPrefix, ""))
	defer stop()
	i.next = objects
	if err := i.advance(); err != nil {
		return i.found, err
	}
	for batch, err := range batches(s.catalog.All(ctx), 100) {
		if err != nil {
			return i.found, fmt.Errorf("walk the catalog: %w", err)
		}
		if err := i.persons(ctx, batch); err != nil {
			return i.found, err
		}
		for _, f := range batch {
			if err := i.record(ctx, f); err != nil {
				return i.found, err
			}
		}
		if ctx.Err() != nil {
			return i.found, context.Cause(ctx)
		}
	}
	for i.more {
		if err := i.ownerless(ctx); err != nil {
			return i.found, err
		}
	}
	return i.found, nil
}

// inspector is one run: a merge of two sequences in the order of keys.
type inspector struct {
	*Service
	found Inspection
	next  func() (Object, error, bool)
	// object is the next one that was not passed yet, with the ids below, if there are more.
	object Object
	person PersonID
	file   FileID
	more   bool
	// last is the previous record.
	last File
}

// advance moves to the next object that has a key of this program.
func (i *inspector) advance() error {
	for {
		var err error
		if i.object, err, i.more = i.next(); err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		if !i.more {
			return nil
		}
		if i.person, i.file, err = ParseObjectKey(i.object.Key); err == nil {
			i.found.Objects++
			return nil
		}
	}
}

// compareKeys orders ids as their keys are ordered.
func compareKeys(p PersonID, f FileID, q PersonID, g FileID) int {
	if c := bytes.Compare(p[:], q[:]); c != 0 {
		return c
	}
	return bytes.Compare(f[:], g[:])
}

// record passes the objects up to the record's own.
func (i *inspector) record(ctx context.Context, f File) error {
	if compareKeys(f.Person, f.ID, i.last.Person, i.last.ID) < 0 {
		return errors.New("the catalog does not yield its records in the order of their keys")
	}
	i.last = f
	i.found.Records++
	for i.more && compareKeys(i.person, i.file, f.Person, f.ID) < 0 {
		if err := i.ownerless(ctx); err != nil {
			return err
		}
	}
	there := i.more && i.person == f.Person && i.file == f.ID
	size := i.object.Size
	if there {
		if err := i.advance(); err != nil {
			return err
		}
	}
	if f.State != FileStored {
		return nil
	}
	i.found.Stored++
	if f.Damage != nil || there && f.Content != nil && size == f.Content.Size {
		return nil
	}
	// It may have been deleted since its page of records was read, or stored since the objects were listed.
	now, err := i.catalog.File(ctx, f.Person, f.ID)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && now.State != FileStored:
		i.found.Records--
		i.found.Stored--
		return nil
	case err != nil:
		return fmt.Errorf("read the record of file %s of person %s: %w", f.ID, f.Person, err)
	}
	if !there {
		if there, err = i.holds(ctx, f.Key()); err != nil || there {
			return err
		}
	}
	i.found.Lost.add(f.Person, f.ID)
	return nil
}

// holds reports whether there is an object, without reading it.
func (i *inspector) holds(ctx context.Context, key string) (bool, error) {
	_, err := i.objects.Head(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look at object %s: %w", key, err)
	}
	return true, nil
}

// ownerless passes an object that the catalog did not yield.
func (i *inspector) ownerless(ctx context.Context) error {
	person, file, key := i.person, i.file, i.object.Key
	if err := i.advance(); err != nil {
		return err
	}
	// A record is put before its object and removed after it: so the object is looked at last.
	switch _, err := i.catalog.File(ctx, person, file); {
	case err == nil:
		return nil
	case !errors.Is(err, ErrNotFound):
		return fmt.Errorf("read the record of file %s of person %s: %w", file, person, err)
	}
	there, err := i.holds(ctx, key)
	if err != nil {
		return err
	}
	if !there {
		i.found.Objects--
		return nil
	}
	i.found.Ownerless.add(person, file)
	return nil
}

// persons looks for the people of a batch of records.
func (i *inspector) persons(ctx context.Context, batch []File) error {
	there, err := i.owners(ctx, batch)
	if err != nil {
		return err
	}
	for _, f := range batch {
		if there[f.Person] {
			continue
		}
		// A person is removed after its records.
		switch _, err := i.catalog.File(ctx, f.Person, f.ID); {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return fmt.Errorf("read the record of file %s of person %s: %w", f.ID, f.Person, err)
		default:
			i.found.Abandoned.add(f.Person, f.ID)
		}
	}
	return nil
}
