package people

import (
	"context"
	"time"

	"dossier.example/app"
	"gorm.io/gorm"
)

// Trash implements dossier.People. The words go with it, because no search looks at the persons' rows.
func (s *Store) Trash(ctx context.Context, ids []dossier.PersonID, t dossier.Trash) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	var moved int64
	err := s.transact(ctx, "moving people to the trash", func(tx *gorm.DB) error {
		done := acknowledgedOf(tx, texts).Updates(map[string]any{"trashed_at": t.At.UnixMicro(), "trashed_by": t.By,
			"words_revision": gorm.Expr("words_revision + 1")})
		moved = done.RowsAffected
		if done.Error != nil || moved == 0 {
			return done.Error
		}
		var gone []string
		if err := tx.Model(&row{}).Where("id IN ? AND trashed_at <> 0", texts).Pluck("id", &gone).Error; err != nil {
			return err
		}
		return tx.Where("person_id IN ?", gone).Delete(&word{}).Error
	})
	return int(moved), err
}

// PutBack implements dossier.People.
func (s *Store) PutBack(ctx context.Context, id dossier.PersonID, since time.Time) error {
	return s.fromTrash(ctx, "putting a person back from the trash", id, since,
		map[string]any{"trashed_at": 0, "trashed_by": "", "words_version": 0})
}

// MoveTrashed implements dossier.People.
func (s *Store) MoveTrashed(ctx context.Context, id dossier.PersonID, since, at time.Time) error {
	return s.fromTrash(ctx, "changing a person's state", id, since,
		map[string]any{"state": string(dossier.PersonDeleting), "updated_at": at.UnixMicro()})
}

// fromTrash changes the row of a person who is in the trash since that time.
func (s *Store) fromTrash(ctx context.Context, doing string, id dossier.PersonID, since time.Time,
	change map[string]any) error {
	return s.changeWhere(ctx, doing, id, change, "state = ? AND trashed_at = ?", string(dossier.PersonSubmitted),
		since.UnixMicro())
}

// Trashed implements dossier.People.
func (s *Store) Trashed(ctx context.Context, before time.Time, after dossier.Cursor, limit int) ([]dossier.Person,
	error) {
	var rows []row
	err := s.do(ctx, "listing the trash", func(tx *gorm.DB) error {
		return trashed(tx, before, after, limit).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	list := make([]dossier.Person, len(rows))
	for i, r := range rows {
		if list[i], err = r.person(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// trashed is the query of Trashed.
func trashed(tx *gorm.DB, before time.Time, after dossier.Cursor, limit int) *gorm.DB {
	tx = tx.Clauses(useIndex("people_listed")).
		Where("state = ? AND trashed_at > 0 AND trashed_at < ?", string(dossier.PersonSubmitted), before.UnixMicro())
	if !after.IsZero() {
		at := after.CreatedAt.UnixMicro()
		tx = tx.Where("trashed_at <= ? AND (trashed_at < ? OR id < ?)", at, at, after.ID.String())
	}
	return tx.Order("trashed_at DESC, id DESC").Limit(limit)
}
