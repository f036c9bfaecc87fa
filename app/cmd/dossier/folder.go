package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"dossier.example/app"
	"dossier.example/app/backup"
	"dossier.example/app/config"
)

// embedded returns which of the stores are in the data folder.
func embedded(cfg *config.Config) backup.Parts {
	return backup.Parts{People: cfg.People.Embedded(), Catalog: cfg.Catalog.Embedded(), Objects: cfg.Objects.Embedded()}
}

// checkStores refuses a data folder where an embedded store is malformed or missing, or a restore did not end.
func checkStores(ctx context.Context, cfg *config.Config) error {
	if parts := embedded(cfg); parts != (backup.Parts{}) {
		return backup.Check(ctx, cfg.Data, parts)
	}
	return nil
}

// checkFolder is checkStores for serve, which a person may tell to serve what is there.
func checkFolder(ctx context.Context, cfg *config.Config, log *slog.Logger, despite bool) error {
	return accept(checkStores(ctx, cfg), log, despite)
}

// accept turns a loss into a line of the log where a person said so.
func accept(err error, log *slog.Logger, despite bool) error {
	loss, ok := errors.AsType[*backup.LossError](err)
	switch {
	case !ok:
		return err
	case despite:
		log.Error("the data folder is incomplete; serving it anyway", "folder", loss.Data, "found", loss.Found)
		return nil
	}
	return fmt.Errorf("%w. To serve what is left: dossier serve --despite-losses", err)
}

// inspectFolder refuses embedded stores that do not belong together, and logs what little is wrong with others.
func inspectFolder(ctx context.Context, svc *dossier.Service, cfg *config.Config, log *slog.Logger,
	despite bool) error {
	if embedded(cfg) != (backup.Parts{People: true, Catalog: true, Objects: true}) {
		return nil
	}
	i, err := svc.Inspect(ctx)
	if err != nil {
		return fmt.Errorf("inspect the data folder: %w", err)
	}
	var found []string
	tell := func(s dossier.Sample, of int, kind, what string) {
		if s.Count == 0 {
			return
		}
		found = append(found, fmt.Sprintf("%d of %d %s %s", s.Count, of, kind, what))
		log.Error(kind+" "+what, "count", s.Count, "of", of, "first", strings.Join(s.First, " "))
	}
	tell(i.Lost, i.Stored, "stored files", "have no object, or an object of a different size")
	tell(i.Abandoned, i.Records, "records of files", "have no person")
	tell(i.Ownerless, i.Objects, "objects", "have no record")
	if !i.Torn() {
		return nil
	}
	return accept(&backup.LossError{Data: cfg.Data, Found: strings.Join(found, ", ")}, log, despite)
}
