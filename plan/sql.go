package plan

import (
	"fmt"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // values: the parser does not start without one
)

// judgment is what holds for code that does not know a statement yet, and runs while and after the database does it.
type judgment struct {
	// unsafe says why it is not safe; empty: it is, and note tells what it does.
	unsafe, note string
	// unjudged: it is unsafe because nobody knows.
	unjudged bool
}

func unsafe(format string, args ...any) judgment {
	return judgment{unsafe: fmt.Sprintf(format, args...)}
}

func unjudged(format string, args ...any) judgment {
	return judgment{unsafe: fmt.Sprintf(format, args...), unjudged: true}
}

// mostSQL bounds what is parsed.
const mostSQL = 1 << 20

// judgeSQL judges what a migration runs. Only what is known to add, and nothing else, is safe.
func judgeSQL(sql string) (j judgment) {
	if len(sql) > mostSQL {
		return unjudged("it has more than %d KB, which nobody has read", mostSQL>>10)
	}
	if strings.Contains(strings.ToUpper(sql), "+GOOSE ENVSUB ON") {
		return unjudged("it is written anew with variables of the environment before it runs")
	}
	for i := range sql {
		if runs(sql[i:]) {
			return unjudged("whether a database runs what stands in a comment like `/*!` depends on its version; write " +
				"it without")
		}
	}
	defer func() {
		if r := recover(); r != nil {
			j = unjudged("it cannot be read as MySQL's SQL: %v", r)
		}
	}()
	statements, _, err := parser.New().ParseSQL(sql)
	switch {
	case err != nil:
		return unjudged("it cannot be read as MySQL's SQL: %v", cut(strings.Join(strings.Fields(err.Error()), " "), longest))
	case len(statements) == 0:
		return judgment{note: "no statement"}
	case len(statements) > 1:
		return unsafe("it has more than one statement, of which MySQL commits each by itself: where one fails, " +
			"those before it stay")
	}
	if why := refusedName(statement(sql)); why != "" {
		_, view := statements[0].(*ast.CreateViewStmt) // where some of them are no names
		return judgment{unsafe: why, unjudged: view}
	}
	switch s := statements[0].(type) {
	case *ast.CreateViewStmt:
		if !s.OrReplace {
			return judgment{note: "a new view, which the old version does not know"}
		}
	case *ast.CreateTableStmt:
		return judgeTable(s)
	case *ast.CreateIndexStmt:
		return judgeIndex(s)
	case *ast.AlterTableStmt:
		return judgeAlter(s)
	}
	verb, _, _ := strings.Cut(statement(sql), " ")
	return unsafe("%s is no statement that only adds", cut(strings.ToUpper(verb), longest))
}

// judgeTable judges CREATE TABLE.
func judgeTable(s *ast.CreateTableStmt) judgment {
	refers := func(to *ast.ReferenceDef) bool {
		return to != nil && (to.Table == nil || to.Table.Name.L != s.Table.Name.L || to.Table.Schema.L != s.Table.Schema.L)
	}
	const foreign = "the foreign key keeps the old version from deleting or changing what the new table refers to: "
	switch {
	case s.TemporaryKeyword != ast.TemporaryNone:
		return unjudged("a temporary table is gone with the connection that made it")
	case s.Select != nil:
		return unsafe("it copies rows of another table, and keeps the old version from changing them meanwhile")
	}
	for _, o := range s.Options {
		if j := tableOption(o); j.unsafe != "" {
			return j
		}
	}
	for _, c := range s.Cols {
		if why := refusedColumn(c); why != "" {
			return judgment{unsafe: why}
		}
		for _, o := range c.Options {
			if o.PrimaryKeyTp != ast.PrimaryKeyTypeDefault {
				return unjudged("nothing is known of a column like %s", clause(c))
			}
			if refers(o.Refer) {
				return unsafe(foreign+"%s", clause(c))
			}
			if _, known := columnOptions[o.Tp]; !known {
				return unjudged("nothing is known of a column like %s", clause(c))
			}
		}
	}
	for _, c := range s.Constraints {
		if c.Option != nil && (c.Option.PrimaryKeyTp != ast.PrimaryKeyTypeDefault || c.Option.Global) {
			return unjudged("nothing is known of a constraint like %s", clause(c))
		}
		if refers(c.Refer) {
			return unsafe(foreign+"%s", clause(c))
		}
	}
	return judgment{note: "a new table, which the old version does not know"}
}

// blocks tells what an index of a kind does to a table that exists, beside being there.
func blocks(unique, whole bool, keys []*ast.IndexPartSpecification) string {
	switch {
	case unique:
		return "a unique index refuses what the old version may still write, and cannot be made where there are duplicates"
	case whole:
		return "while it makes such an index MySQL lets nobody write to the table"
	}
	for _, k := range keys {
		if k.Expr != nil {
			return "an index of an expression refuses rows for which it cannot be computed, which the old version may " +
				"still write"
		}
	}
	return ""
}

// noCondition is of what MariaDB has, and the parser takes.
const noCondition = "MySQL has IF NOT EXISTS for tables and views only, so the migration fails"

const newIndex = "a new index; on a large table it takes a while, and MySQL lets writes go on in the meantime"

// judgeIndex judges CREATE INDEX.
func judgeIndex(s *ast.CreateIndexStmt) judgment {
	if s.IfNotExists {
		return judgment{unsafe: noCondition}
	}
	whole := s.KeyType != ast.IndexKeyTypeNone && s.KeyType != ast.IndexKeyTypeUnique
	if why := blocks(s.KeyType == ast.IndexKeyTypeUnique, whole, s.IndexPartSpecifications); why != "" {
		return judgment{unsafe: why}
	}
	if s.LockAlg != nil {
		if why := locks(s.LockAlg.AlgorithmTp, s.LockAlg.LockTp, true); why != "" {
			return judgment{unsafe: why}
		}
	}
	return judgment{note: newIndex}
}

// locks tells why the way in which a statement says that it wants to run is not safe.
func locks(algorithm ast.AlgorithmType, lock ast.LockType, index bool) string {
	switch {
	case algorithm == ast.AlgorithmTypeCopy:
		return "with ALGORITHM=COPY MySQL writes the whole table anew, and nobody else may write to it meanwhile"
	case lock == ast.LockTypeShared:
		return "with LOCK=SHARED nobody may write to the table while it runs"
	case lock == ast.LockTypeExclusive:
		return "with LOCK=EXCLUSIVE nobody may read or write the table while it runs"
	case algorithm == ast.AlgorithmTypeInstant && index:
		return "MySQL refuses ALGORITHM=INSTANT for an index, so the migration fails"
	case algorithm == ast.AlgorithmTypeInstant && lock == ast.LockTypeNone:
		return "MySQL refuses LOCK=NONE with ALGORITHM=INSTANT, so the migration fails"
	}
	return ""
}

// judgeAlter judges ALTER TABLE: every part of it has to be safe.
func judgeAlter(s *ast.AlterTableStmt) judgment {
	var algorithm ast.AlgorithmType
	var lock ast.LockType
	columns, index := 0, false
	for _, spec := range s.Specs {
		var constraints []*ast.Constraint
		if spec.IfNotExists || spec.Constraint != nil && spec.Constraint.IfNotExists {
			return judgment{unsafe: noCondition}
		}
		switch spec.Tp {
		case ast.AlterTableAlgorithm:
			algorithm = spec.Algorithm
		case ast.AlterTableLock:
			lock = spec.LockType
		case ast.AlterTableAddConstraint:
			constraints = []*ast.Constraint{spec.Constraint}
		case ast.AlterTableAddColumns:
			for _, c := range spec.NewColumns {
				if j := judgeColumn(c); j.unsafe != "" {
					return j
				}
			}
			columns += len(spec.NewColumns)
			constraints = spec.NewConstraints
		default:
			return unsafe("it changes or takes away what the old version uses: %s", clause(spec))
		}
		for _, c := range constraints {
			switch c.Tp {
			case ast.ConstraintKey, ast.ConstraintIndex, ast.ConstraintFulltext:
				if why := blocks(false, c.Tp == ast.ConstraintFulltext, c.Keys); why != "" {
					return judgment{unsafe: why}
				}
				index = true
			case ast.ConstraintCheck:
				if c.Enforced {
					return unsafe("the constraint refuses what the old version may still write: %s", clause(c))
				}
			default:
				return unsafe("the constraint refuses what the old version may still write: %s", clause(c))
			}
		}
	}
	if why := locks(algorithm, lock, index); why != "" {
		return judgment{unsafe: why}
	}
	switch {
	case columns > 0:
		return judgment{note: "a new column, which the old version leaves to its default"}
	case index:
		return judgment{note: newIndex}
	}
	return judgment{note: "nothing that the old version would see"}
}

// columnOptions are the options of a column that are MySQL's and known here, and whether the old version has to keep to
// one in a table that it writes to.
var columnOptions = map[ast.ColumnOptionType]bool{
	ast.ColumnOptionNoOption: false, ast.ColumnOptionNotNull: false, ast.ColumnOptionNull: false,
	ast.ColumnOptionDefaultValue: false, ast.ColumnOptionOnUpdate: false, ast.ColumnOptionComment: false,
	ast.ColumnOptionGenerated: false, ast.ColumnOptionCollate: false, ast.ColumnOptionColumnFormat: false,
	ast.ColumnOptionPrimaryKey: true, ast.ColumnOptionAutoIncrement: true, ast.ColumnOptionUniqKey: true,
	ast.ColumnOptionReference: true, ast.ColumnOptionCheck: true,
}

// judgeColumn judges a column that is added to a table.
func judgeColumn(c *ast.ColumnDef) judgment {
	if why := refusedColumn(c); why != "" {
		return judgment{unsafe: why}
	}
	notNull, filled := false, false
	for _, o := range c.Options {
		constrains, known := columnOptions[o.Tp]
		switch {
		case !known:
			return unjudged("nothing is known of a column like %s", clause(c))
		case constrains && (o.Tp != ast.ColumnOptionCheck || o.Enforced):
			return unsafe("the new column is constrained, which the old version does not keep to: %s", clause(c))
		case o.Tp == ast.ColumnOptionNotNull:
			notNull = true
		case o.Tp == ast.ColumnOptionGenerated:
			if o.Stored {
				return unsafe("to compute a stored column MySQL writes the whole table anew, and nobody else may write " +
					"to it meanwhile")
			}
			return unsafe("where the new column cannot be computed, MySQL refuses the row, which the old version may "+
				"still write: %s", clause(c))
		case o.Tp == ast.ColumnOptionDefaultValue:
			constant, null := value(o.Expr)
			if !constant {
				return unsafe("for a default that is computed MySQL writes the whole table anew, and nobody else may "+
					"write to it meanwhile: %s", clause(c))
			}
			filled = !null
		}
	}
	if notNull && !filled {
		return unsafe("the new column has to be filled, and the old version does not: give it a default, or let it be NULL")
	}
	return judgment{}
}

// value tells whether an expression is one value for all rows, and whether that is NULL.
func value(e ast.ExprNode) (constant, null bool) {
	switch e := e.(type) {
	case ast.ValueExpr:
		return true, e.GetValue() == nil
	case *ast.UnaryOperationExpr:
		return value(e.V)
	case *ast.FuncCallExpr:
		return e.FnName.L == ast.CurrentTimestamp, false
	}
	return false, false
}

// clause is a part of a statement as the parser understood it, as far as it is shown.
func clause(n ast.Node) string {
	var b strings.Builder
	if err := n.Restore(format.NewRestoreCtx(format.RestoreKeyWordUppercase|format.RestoreStringSingleQuotes|
		format.RestoreStringWithoutCharset, &b)); err != nil {
		return "one that cannot be shown"
	}
	return cut(b.String(), 60)
}
