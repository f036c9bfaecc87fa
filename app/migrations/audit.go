package migrations

import (
	"context"
	"database/sql"
)

// auditGuards keep rows of table audit in SQLite from being changed or removed, as the privileges of the app's user do
// in MySQL: SQLite knows no users. They stop a fault of the program, or a statement that somebody smuggled in. Whoever
// has the file can remove them; the chains of hashes are for that.
var auditGuards = []struct{ name, event string }{
	{"audit_keep_update", "UPDATE"},
	{"audit_keep_delete", "DELETE"},
}

// AuditGuards returns the statements that make the guards of table audit in SQLite.
func AuditGuards() []string {
	var all []string
	for _, g := range auditGuards {
		all = append(all, "CREATE TRIGGER "+g.name+" BEFORE "+g.event+
			" ON audit BEGIN SELECT RAISE(ABORT, 'rows of the audit trail are only added'); END")
	}
	return all
}

// AuditUnguard returns the statements that remove the guards, for what prunes, which makes them again in the same
// transaction.
func AuditUnguard() []string {
	var all []string
	for _, g := range auditGuards {
		all = append(all, "DROP TRIGGER IF EXISTS "+g.name)
	}
	return all
}

// guardAudit makes the guards where one is missing. They are no migration, because those are written for both kinds of
// database.
func guardAudit(ctx context.Context, db *sql.DB) error {
	var n int
	err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?)",
		auditGuards[0].name, auditGuards[1].name).Scan(&n)
	if err != nil || n == len(auditGuards) {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	for _, statement := range append(AuditUnguard(), AuditGuards()...) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
