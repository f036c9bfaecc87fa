package dossier

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// The words by which a person is found are stored beside the person, in the same database. The names of files are in
// the catalog, which shares no transaction with it. So the order of the steps ensures that a stored file is found:
//
//   - A person who is acknowledged gets all words together with that state, so nobody is found before.
//   - A file of an acknowledged person adds its words before its record is committed.
//   - Removing a record marks it first, then removes the words that no other file has, and then the record. An
//     interruption leaves the mark, and whoever completes the removal does so again.
//   - Words are replaced only if nobody added any since they were read, and they are read before the records. So a
//     record whose words were added exists by then, and is described.
//
// Reconciliation corrects what a release without words adds and removes: people without words at once, by a mark on
// their row; everything else by the sweep, which compares everybody's words with the records.

// addWords makes a person findable by the words of a file that is stored next. A person who is not acknowledged, or no
// longer is, cannot be found: the next step reports that.
func (s *Service) addWords(ctx context.Context, person PersonID, words []string) error {
	err := s.people.AddWords(ctx, person, words)
	if err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("add words: %w", err)
	}
	return nil
}

// wordsOf returns the words of a person: of the details, and of the files that are stored, or may be at any moment.
func (s *Service) wordsOf(ctx context.Context, p Person) ([]string, error) {
	words := p.Details.words()
	known := map[string]bool{}
	for _, w := range words {
		known[w] = true
	}
	for f, err := range allFiles(ctx, s.catalog, p.ID) {
		if err != nil {
			return nil, err
		}
		if f.State == FileDeleting || f.Content == nil || f.Trash != (Trash{}) {
			continue
		}
		for _, w := range f.words() {
			if len(words) >= MaxPersonWords {
				return sortedWords(words), nil
			}
			if !known[w] {
				known[w] = true
				words = append(words, w)
			}
		}
	}
	return sortedWords(words), nil
}

// wordTries limits how often words are compared again because some were added meanwhile.
const wordTries = 8

// rewriteWords corrects the words of a person, unless dry, and reports whether they were wrong. Only acknowledged
// people have words.
func (s *Service) rewriteWords(ctx context.Context, id PersonID, dry bool) (bool, error) {
	for range wordTries {
		// Before the records: see above.
		seen, err := s.people.Words(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("read words: %w", err)
		case seen.State != PersonSubmitted || seen.trashed():
			return false, nil
		}
		words, err := s.wordsOf(ctx, seen.Person)
		if err != nil {
			return false, err
		}
		if seen.Version >= WordsVersion && slices.Equal(words, seen.Words) {
			return false, nil
		}
		if dry {
			return true, nil
		}
		err = s.people.SetWords(ctx, seen, words)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, ErrLost) {
			return false, fmt.Errorf("replace words: %w", err)
		}
	}
	return false, &Error{Code: CodeUnavailable, Err: errors.New("replace words: others change them again and again")}
}

// forgetWords removes a person's words that only come from a file whose record is marked for deletion.
func (s *Service) forgetWords(ctx context.Context, f File) error {
	if f.Content == nil {
		return nil // it had none yet
	}
	_, err := s.rewriteWords(ctx, f.Person, false)
	return err
}

// WriteWords writes the words of the people who have none of this version, so that they are found: after an update from
// a release without words, and while such a release serves beside this one. It returns the number of people. If it ends
// early, what it did is kept, and any number of instances may run it.
func (s *Service) WriteWords(ctx context.Context) (int, error) {
	failures := 0
	r := run{Service: s, counts: map[string]int{}, failures: &failures}
	r.failed(r.unworded(ctx, false))
	return r.counts[RepairWords], errors.Join(r.errs...)
}

// words corrects one person's words, unless dry, and reports it.
func (r *run) words(ctx context.Context, id PersonID, dry bool) {
	wrong, err := r.rewriteWords(ctx, id, dry)
	if err != nil {
		r.failed(fmt.Errorf("words of person %s: %w", id, err))
	}
	if wrong {
		r.tell(Repair{What: RepairWords, Person: id.String()})
	}
}

// unworded writes the words of the people who have none of this version.
func (r *run) unworded(ctx context.Context, dry bool) error {
	for id, err := range r.people.Unworded(ctx) {
		if err != nil {
			return fmt.Errorf("list people without words: %w", err)
		}
		if r.words(ctx, id, dry); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// everybodysWords is allWords, from where the sweep is.
func (r *reconciler) everybodysWords(ctx context.Context) error {
	from, err := ParseCursor(r.progress.After)
	if err != nil {
		from = Cursor{} // what cannot be parsed is done again
	}
	return r.allWords(ctx, from, r.DryRun, func(at Cursor) { r.failed(r.reached(ctx, at.String())) })
}

// allWords compares the words of everybody after a position with the records, tells done each position to which it has
// come, and removes words without a person.
func (r *run) allWords(ctx context.Context, from Cursor, dry bool, done func(Cursor)) error {
	for q := (Search{Limit: 100, After: from}); ; {
		found, err := r.people.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("list people: %w", err)
		}
		for _, p := range found.People {
			if r.words(ctx, p.ID, dry); ctx.Err() != nil {
				return ctx.Err()
			}
			done(p.place())
		}
		if found.Further.IsZero() {
			break
		}
		q.After = found.Further
	}
	for id, err := range r.people.StrayWords(ctx) {
		if err != nil {
			return fmt.Errorf("list words without person: %w", err)
		}
		if !dry {
			if err := r.people.RemoveWords(ctx, id); errors.Is(err, ErrLost) {
				continue
			} else if err != nil {
				r.failed(fmt.Errorf("remove words of person %s: %w", id, err))
				continue
			}
		}
		r.tell(Repair{What: RepairStrayWords, Person: id.String()})
	}
	return nil
}
