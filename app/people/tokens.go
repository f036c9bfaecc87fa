package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
	"gorm.io/gorm"
)

// tokenRow is a row of table tokens.
type tokenRow struct {
	ID      string `gorm:"column:id;primaryKey"`
	Account string `gorm:"column:account_id"`
	Name    string `gorm:"column:name"`
	Scopes  string `gorm:"column:scopes"`
	Hash    string `gorm:"column:token_hash"`
	Created int64  `gorm:"column:created_at"`
	Expires int64  `gorm:"column:expires_at"`
	Used    int64  `gorm:"column:used_at"`
}

// TableName implements gorm's schema.Tabler.
func (tokenRow) TableName() string { return "tokens" }

func tokenRowOf(t staff.Token) tokenRow {
	r := tokenRow{ID: t.ID.String(), Account: t.Account.String(), Name: t.Name, Hash: hex.EncodeToString(t.Hash[:]),
		Created: t.CreatedAt.UnixMicro(), Expires: t.ExpiresAt.UnixMicro()}
	var scopes []string
	for _, s := range t.Scopes {
		scopes = append(scopes, string(s))
	}
	r.Scopes = strings.Join(scopes, " ")
	if !t.UsedAt.IsZero() {
		r.Used = t.UsedAt.UnixMicro()
	}
	return r
}

func (r tokenRow) token() (staff.Token, error) {
	id, err := staff.ParseTokenID(r.ID)
	if err != nil {
		return staff.Token{}, errors.New("a row has an invalid token ID")
	}
	t := staff.Token{ID: id, Name: r.Name, CreatedAt: time.UnixMicro(r.Created).UTC(),
		ExpiresAt: time.UnixMicro(r.Expires).UTC()}
	if t.Account, err = staff.ParseAccountID(r.Account); err != nil {
		return staff.Token{}, errors.New("a token's row has an invalid account ID")
	}
	for _, name := range strings.Fields(r.Scopes) {
		// A scope that only a later release knows opens nothing in this one.
		if s, err := staff.ParseScope(name); err == nil {
			t.Scopes = append(t.Scopes, s)
		}
	}
	hash, err := hex.DecodeString(r.Hash)
	if err != nil || len(hash) != len(t.Hash) {
		return staff.Token{}, errors.New("a token's row has a damaged hash")
	}
	t.Hash = [sha256.Size]byte(hash)
	if r.Used != 0 {
		t.UsedAt = time.UnixMicro(r.Used).UTC()
	}
	return t, nil
}

// AddToken implements staff.TokenStore.
func (s *Store) AddToken(ctx context.Context, t staff.Token) error {
	r := tokenRowOf(t)
	return s.write(ctx, "adding a token", func(tx *gorm.DB) error { return tx.Create(&r).Error })
}

// Token implements staff.TokenStore.
func (s *Store) Token(ctx context.Context, hash [sha256.Size]byte) (staff.Token, error) {
	return s.token(ctx, "token_hash = ?", hex.EncodeToString(hash[:]))
}

// TokenByID implements staff.TokenStore.
func (s *Store) TokenByID(ctx context.Context, id staff.TokenID) (staff.Token, error) {
	return s.token(ctx, "id = ?", id.String())
}

func (s *Store) token(ctx context.Context, where, value string) (staff.Token, error) {
	var rows []tokenRow
	err := s.do(ctx, "reading a token", func(tx *gorm.DB) error {
		return tx.Where(where, value).Limit(1).Find(&rows).Error
	})
	if err != nil {
		return staff.Token{}, err
	}
	if len(rows) == 0 {
		return staff.Token{}, dossier.ErrNotFound
	}
	return rows[0].token()
}

// UseToken implements staff.TokenStore.
func (s *Store) UseToken(ctx context.Context, id staff.TokenID, at time.Time) error {
	return s.write(ctx, "noting the use of a token", func(tx *gorm.DB) error {
		return tx.Model(&tokenRow{}).Where("id = ? AND used_at < ?", id.String(), at.UnixMicro()).
			Update("used_at", at.UnixMicro()).Error
	})
}

// TokensOf implements staff.TokenStore.
func (s *Store) TokensOf(ctx context.Context, account staff.AccountID) ([]staff.Token, error) {
	return s.tokens(ctx, func(tx *gorm.DB) *gorm.DB { return tx.Where("account_id = ?", account.String()) })
}

// Tokens implements staff.TokenStore.
func (s *Store) Tokens(ctx context.Context) ([]staff.Token, error) {
	return s.tokens(ctx, func(tx *gorm.DB) *gorm.DB { return tx })
}

func (s *Store) tokens(ctx context.Context, some func(*gorm.DB) *gorm.DB) ([]staff.Token, error) {
	var rows []tokenRow
	err := s.do(ctx, "listing tokens", func(tx *gorm.DB) error {
		return some(tx).Order("created_at DESC, id DESC").Limit(staff.MaxTokens).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	all := make([]staff.Token, len(rows))
	for i, r := range rows {
		if all[i], err = r.token(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// RevokeToken implements staff.TokenStore.
func (s *Store) RevokeToken(ctx context.Context, id staff.TokenID) (bool, error) {
	n, err := s.deleteTokens(ctx, "id = ?", id.String())
	return n > 0, err
}

// ForgetTokens implements staff.TokenStore.
func (s *Store) ForgetTokens(ctx context.Context, expired time.Time) error {
	_, err := s.deleteTokens(ctx, "expires_at < ?", expired.UnixMicro())
	return err
}

// endTokens removes the tokens of an account, within a change of it.
func endTokens(tx *gorm.DB, account string) error {
	return tx.Where("account_id = ?", account).Delete(&tokenRow{}).Error
}

func (s *Store) deleteTokens(ctx context.Context, where string, args ...any) (n int, err error) {
	err = s.write(ctx, "revoking tokens", func(tx *gorm.DB) error {
		done := tx.Where(where, args...).Delete(&tokenRow{})
		n = int(done.RowsAffected)
		return done.Error
	})
	return n, err
}
