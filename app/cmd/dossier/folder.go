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

// allEmbedded reports whether all stores are in the data folder.
func allEmbedded(cfg *config.Config) bool {
	return embedded(cfg) == backup.Parts{People: true, Catalog: true, Objects: true}
}

// checkStores refuses a data folder where an embedded store is malformed or missing, or a restore did not end.
func checkStores(ctx context.Context, cfg *config.Config) error {
	if parts := embedded(cfg); parts != (backup.Parts{}) {
		return backup.Check(ctx, cfg.Data, parts)
	}
	return nil
}

// checkFolder is checkStores for serve, which a person may tell to serve what is there. inspected reports that nothing
// has touched the folder since a server left it whole: then its databases, which take the longer to check the larger
// they are, are as they were.
func checkFolder(ctx context.Context, cfg *config.Config, log *slog.Logger, despite bool) (inspected bool, err error) {
	if allEmbedded(cfg) && backup.Inspected(cfg.Data) {
		return true, backup.Unfinished(cfg.Data)
	}
	return false, accept(checkStores(ctx, cfg), log, despite)
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

// inspectFolder refuses embedded stores that do not belong together, and logs what little is wrong with others. An
// inspection takes longer the more files there are, so it is left out where inspected, which is checkFolder's, says so.
// whole reports whether this server may leave the folder whole, too.
func inspectFolder(ctx context.Context, svc *dossier.Service, cfg *config.Config, log *slog.Logger, inspected,
	despite bool) (whole bool, err error) {
	if !allEmbedded(cfg) {
		return false, nil
	}
	if whole = inspected; inspected {
		log.Debug("the data folder is as a server left it, so it is not inspected")
	} else if whole, err = inspect(ctx, svc, cfg, log, despite); err != nil {
		return false, err
	}
	return whole, backup.UnmarkInspected(cfg.Data)
}

// inspect looks at every record and every object. whole reports that nothing is wrong.
func inspect(ctx context.Context, svc *dossier.Service, cfg *config.Config, log *slog.Logger,
	despite bool) (whole bool, err error) {
	i, err := svc.Inspect(ctx)
	if err != nil {
		return false, fmt.Errorf("inspect the data folder: %w", err)
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
	if i.Torn() {
		return false, accept(&backup.LossError{Data: cfg.Data, Found: strings.Join(found, ", ")}, log, despite)
	}
	return len(found) == 0, nil // what is wrong is told at each start
}

// leaveFolder notes that the folder, whose stores are closed, is whole.
func leaveFolder(cfg *config.Config, log *slog.Logger) {
	if err := backup.MarkInspected(cfg.Data); err != nil {
		log.Warn("the next start inspects the whole data folder", "err", err)
	}
}
