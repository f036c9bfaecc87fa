package people

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"dossier.example/app"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// word is a row of table words.
type word struct {
	Person  string `gorm:"column:person_id;primaryKey"`
	Word    string `gorm:"column:word;primaryKey"`
	Created int64  `gorm:"column:created_at"`
}

// TableName implements gorm's schema.Tabler.
func (word) TableName() string { return "words" }

// wordsBatch is how many rows one statement inserts or deletes. A form's words are fewer.
const wordsBatch = 2000

// Acknowledge implements dossier.People.
func (s *Store) Acknowledge(ctx context.Context, id dossier.PersonID, at time.Time, words []string) error {
	for {
		moved, err := s.changeWithWords(ctx, "acknowledging a person", id, words,
			`UPDATE people SET state = ?, updated_at = ?, words_version = ?, words_revision = words_revision + 1
			 WHERE id = ? AND state = ?`, string(dossier.PersonSubmitted), at.UnixMicro(), int64(dossier.WordsVersion),
			id.String(), string(dossier.PersonSubmitting))
		if err != nil || moved {
			return err
		}
		found, err := s.Person(ctx, id)
		if err != nil {
			return err
		}
		if found.State != dossier.PersonSubmitting {
			return dossier.ErrLost
		}
		// It came into the state after the change had missed it.
	}
}

// AddWords implements dossier.Words.
func (s *Store) AddWords(ctx context.Context, id dossier.PersonID, words []string) error {
	if len(words) == 0 {
		return nil
	}
	there, err := s.changeWithWords(ctx, "adding a person's words", id, words,
		`UPDATE people SET words_revision = words_revision + 1 WHERE id = ? AND state = ? AND trashed_at = 0`,
		id.String(), string(dossier.PersonSubmitted))
	if err != nil || there {
		return err
	}
	if _, err := s.Person(ctx, id); err != nil {
		return err
	}
	return dossier.ErrLost
}

// changeWithWords is what the server makes of it.
func (s *Store) changeWithWords(ctx context.Context, doing string, id dossier.PersonID, words []string, update string,
	args ...any) (changed bool, err error) {
	if words == nil {
		words = []string{} // a list, in JSON too
	}
	err = s.write(ctx, doing, func(db *gorm.DB) (err error) {
		changed, err = s.server.changeWithWords(db.Statement.Context, db, id, words, update, args...)
		return err
	})
	return changed, err
}

// addWords inserts those words of a person that are missing. The person's row is locked.
func addWords(tx *gorm.DB, id dossier.PersonID, words []string) error {
	if len(words) == 0 {
		return nil
	}
	var is struct{ Created, Have int64 }
	err := tx.Model(&row{}).Where("id = ?", id.String()).
		Select("created_at AS created, (SELECT COUNT(*) FROM words WHERE person_id = ?) AS have", id.String()).
		Take(&is).Error
	if err != nil {
		return err
	}
	// What would go beyond the bound may be there already; SetWords decides by order what stays.
	words = words[:max(0, min(len(words), dossier.MaxPersonWords-int(is.Have)))]
	return insertWords(tx, id, is.Created, words)
}

func insertWords(tx *gorm.DB, id dossier.PersonID, created int64, words []string) error {
	rows := make([]word, len(words))
	for i, w := range words {
		rows[i] = word{id.String(), w, created}
	}
	for batch := range slices.Chunk(rows, wordsBatch) {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&batch).Error; err != nil {
			return err
		}
	}
	return nil
}

func deleteWords(tx *gorm.DB, id dossier.PersonID) error {
	return tx.Where("person_id = ?", id.String()).Delete(&word{}).Error
}

// Words implements dossier.Words.
func (s *Store) Words(ctx context.Context, id dossier.PersonID) (dossier.Worded, error) {
	// The person first: words that are added after this look have another revision.
	r, err := s.row(ctx, id)
	if err != nil {
		return dossier.Worded{}, err
	}
	out := dossier.Worded{Version: r.WordsVersion, Revision: r.WordsRevision}
	if out.Person, err = r.person(); err != nil {
		return dossier.Worded{}, err
	}
	out.Words, err = s.wordsOf(ctx, id)
	return out, err
}

func (s *Store) wordsOf(ctx context.Context, id dossier.PersonID) (words []string, err error) {
	err = s.do(ctx, "reading a person's words", func(tx *gorm.DB) error {
		return tx.Model(&word{}).Where("person_id = ?", id.String()).Order("word").Pluck("word", &words).Error
	})
	return words, err
}

// SetWords implements dossier.Words.
func (s *Store) SetWords(ctx context.Context, seen dossier.Worded, words []string) error {
	words = slices.Clone(words[:min(len(words), dossier.MaxPersonWords)])
	slices.Sort(words)
	words = slices.Compact(words)
	var gone, missing []string
	for _, w := range seen.Words {
		if _, ok := slices.BinarySearch(words, w); !ok {
			gone = append(gone, w)
		}
	}
	for _, w := range words {
		if _, ok := slices.BinarySearch(seen.Words, w); !ok {
			missing = append(missing, w)
		}
	}
	// In batches, since so many words take longer than one call may. What is missing comes first: if it ends early, the
	// person is still found by every word that is right, and the version says whether there is more to do.
	for revision := seen.Revision; ; revision++ {
		some := missing[:min(len(missing), wordsBatch)]
		missing = missing[len(some):]
		others := gone[:min(len(gone), wordsBatch-len(some))]
		gone = gone[len(others):]
		version, last := seen.Version, len(missing)+len(gone) == 0
		if last {
			version = dossier.WordsVersion
		}
		err := s.replaceWords(ctx, seen.Person, revision, version, some, others)
		if err != nil || last {
			return err
		}
	}
}

// replaceWords adds and removes words of a person whose words have a revision, which it counts up. ErrLost otherwise.
func (s *Store) replaceWords(ctx context.Context, p dossier.Person, revision int64, version int,
	missing, gone []string) error {
	set := false
	err := s.transact(ctx, "replacing a person's words", func(tx *gorm.DB) error {
		done := tx.Model(&row{}).
			Where("id = ? AND words_revision = ? AND state = ? AND trashed_at = 0", p.ID.String(), revision,
				string(dossier.PersonSubmitted)).
			Updates(map[string]any{"words_version": version, "words_revision": revision + 1})
		set = done.RowsAffected > 0
		if done.Error != nil || !set {
			return done.Error
		}
		if err := insertWords(tx, p.ID, p.CreatedAt.UnixMicro(), missing); err != nil || len(gone) == 0 {
			return err
		}
		return tx.Where("person_id = ? AND word IN ?", p.ID.String(), gone).Delete(&word{}).Error
	})
	if err == nil && !set {
		err = dossier.ErrLost
	}
	return err
}

// wordsPage is how many ids Unworded and StrayWords read at once.
const wordsPage = 100

// Unworded implements dossier.Words. A later version's words are those of a later release, which sees to them.
func (s *Store) Unworded(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return func(yield func(dossier.PersonID, error) bool) {
		for version := range dossier.WordsVersion {
			query := func(tx *gorm.DB, after string) *gorm.DB { return unworded(tx, version, after) }
			for id, err := range s.ids(ctx, "looking for people without words", "id", query, nil) {
				if !yield(id, err) {
					return
				}
			}
		}
	}
}

// unworded is the query of Unworded.
func unworded(tx *gorm.DB, version int, after string) *gorm.DB {
	return tx.Model(&row{}).Clauses(useIndex("people_words")).
		Where("state = ? AND words_version = ? AND id > ? AND trashed_at = 0", string(dossier.PersonSubmitted), version,
			after).
		Order("id").Limit(wordsPage)
}

// StrayWords implements dossier.Words.
func (s *Store) StrayWords(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return s.ids(ctx, "looking for words without a person", "person_id", worded, s.submitted)
}

// worded is the query of StrayWords.
func worded(tx *gorm.DB, after string) *gorm.DB {
	return tx.Model(&word{}).Where("person_id > ?", after).Group("person_id").Order("person_id").Limit(wordsPage)
}

// submitted returns which of ids are those of persons in state PersonSubmitted.
func (s *Store) submitted(ctx context.Context, ids []string) (map[string]bool, error) {
	var found []string
	err := s.do(ctx, "looking for people", func(tx *gorm.DB) error {
		return acknowledgedOf(tx, ids).Pluck("id", &found).Error
	})
	is := make(map[string]bool, len(found))
	for _, id := range found {
		is[id] = true
	}
	return is, err
}

// ids yields what a query finds, a page at a time, each with a deadline of its own, but for those that without names.
func (s *Store) ids(ctx context.Context, doing, column string, query func(tx *gorm.DB, after string) *gorm.DB,
	without func(context.Context, []string) (map[string]bool, error)) iter.Seq2[dossier.PersonID, error] {
	return func(yield func(dossier.PersonID, error) bool) {
		for after := ""; ; {
			var page []string
			var skip map[string]bool
			err := s.do(ctx, doing, func(tx *gorm.DB) error { return query(tx, after).Pluck(column, &page).Error })
			if err == nil && without != nil {
				skip, err = without(ctx, page)
			}
			if err != nil {
				yield(dossier.PersonID{}, err)
				return
			}
			for _, text := range page {
				if skip[text] {
					continue
				}
				id, err := dossier.ParsePersonID(text)
				if err != nil {
					err = fmt.Errorf("%s: %w", doing, errors.New("a row's id is no person's id"))
				}
				if !yield(id, err) {
					return
				}
			}
			if len(page) < wordsPage {
				return
			}
			after = page[len(page)-1]
		}
	}
}

// RemoveWords implements dossier.Words.
func (s *Store) RemoveWords(ctx context.Context, id dossier.PersonID) error {
	lost := false
	err := s.transact(ctx, "removing words without a person", func(tx *gorm.DB) error {
		var state []string
		err := tx.Model(&row{}).Clauses(clause.Locking{Strength: "UPDATE"}).
			Where("id = ? AND trashed_at = 0", id.String()).Pluck("state", &state).Error
		if lost = slices.Contains(state, string(dossier.PersonSubmitted)); err != nil || lost {
			return err
		}
		return deleteWords(tx, id)
	})
	if err == nil && lost {
		err = dossier.ErrLost
	}
	return err
}

// transact is write for several statements that are done together or not at all.
func (s *Store) transact(ctx context.Context, doing string, call func(*gorm.DB) error) error {
	return s.write(ctx, doing, func(tx *gorm.DB) error { return tx.Transaction(call) })
}
