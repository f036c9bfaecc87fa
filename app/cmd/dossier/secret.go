package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"dossier.example/app/config"
	"dossier.example/app/staff"
)

// staffSecret returns the secret of the settings. Where there is none, which is allowed with embedded stores only, it
// is the one in the data folder, made at the first start, and shown to whoever starts the server. One that is lost
// while there are accounts is not replaced, unless a person said so: codes, links and tokens end with it.
func staffSecret(ctx context.Context, cfg *config.Config, store staff.AccountStore, log *slog.Logger,
	despite bool) (secret string, generated bool, err error) {
	if cfg.Staff.Secret != "" {
		return cfg.Staff.Secret.Reveal(), false, nil
	}
	path := filepath.Join(cfg.Data, "staff-secret")
	for range 2 {
		b, err := os.ReadFile(path)
		if err == nil {
			if secret := strings.TrimSpace(string(b)); len(secret) >= config.MinStaffSecret {
				return secret, true, nil
			}
			return "", false, fmt.Errorf("the staff secret in %s is too short; restore it from a backup, "+
				"or delete the file and start again", path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", false, fmt.Errorf("read the staff secret: %w", err)
		}
		if err := mayMakeSecret(ctx, path, store, log, despite); err != nil {
			return "", false, err
		}
		// Linked into place whole, so that of two servers started at once both read the same one.
		tmp, err := os.CreateTemp(cfg.Data, ".staff-secret-*")
		if err != nil {
			return "", false, fmt.Errorf("write the staff secret: %w", err)
		}
		_, err = tmp.WriteString(rand.Text() + "\n")
		err = errors.Join(err, tmp.Sync(), tmp.Close())
		if err == nil {
			if err = os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
				err = nil
			}
		}
		if err := errors.Join(err, os.Remove(tmp.Name())); err != nil {
			return "", false, fmt.Errorf("write the staff secret: %w", err)
		}
	}
	return "", false, fmt.Errorf("the staff secret in %s keeps disappearing", path)
}

// mayMakeSecret refuses a new secret where there are accounts, which one was made for.
func mayMakeSecret(ctx context.Context, path string, store staff.AccountStore, log *slog.Logger, despite bool) error {
	accounts, err := store.Accounts(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("look for accounts of staff: %w", err)
	case len(accounts) == 0:
		return nil
	case despite:
		log.Error("the staff secret is lost; making a new one, which ends codes, links, sessions and personal tokens",
			"file", path, "accounts", len(accounts))
		return nil
	}
	return fmt.Errorf("the staff secret in %s is missing, but there are accounts of staff (%d), whose codes, links, "+
		"sessions and personal tokens end with it. Restore the file from a backup (points/TIME/staff-secret), or set "+
		"DOSSIER_STAFF_SECRET if the secret was there. To begin with a new one: dossier serve --despite-losses; then "+
		"staff sign in with recovery codes or a link of \"dossier staff recover\", and make new codes and tokens",
		path, len(accounts))
}
