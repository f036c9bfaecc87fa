package plan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"
)

// reserved are the words that MySQL 8.4 does not take for a name without quotes and the parser does
// (https://dev.mysql.com/doc/refman/8.4/en/keywords.html).
var reserved = strings.Fields(`accessible asensitive before condition cube declare deterministic each empty function get
	grouping insensitive io_after_gtids io_before_gtids json_table loop manual modifies optimizer_costs parallel purge
	qualify reads read_write resignal return sensitive separator signal specific system undo`)

// bare is a word without quotes.
var bare = regexp.MustCompile(`[A-Za-z_$][\w$]*`)

// refusedName tells why MySQL refuses a statement for a name in it that the parser takes.
func refusedName(sql string) string {
	for i := 0; i < len(sql); {
		if strings.ContainsRune("'\"`", rune(sql[i])) {
			i += quoted(sql[i:])
			continue
		}
		at := bare.FindStringIndex(sql[i:])
		switch {
		case at == nil:
			return ""
		case at[0] > 0:
			i++ // what is in between may be a quote
		default:
			if word := sql[i : i+at[1]]; slices.Contains(reserved, strings.ToLower(word)) {
				return fmt.Sprintf("MySQL takes %s for a name only in quotes, so the migration fails", word)
			}
			i += at[1]
		}
	}
	return ""
}

// tableOptions are the options of a table that MySQL has as well.
var tableOptions = []ast.TableOptionType{ast.TableOptionEngine, ast.TableOptionCharset, ast.TableOptionCollate,
	ast.TableOptionAutoIncrement, ast.TableOptionComment, ast.TableOptionAvgRowLength, ast.TableOptionCheckSum,
	ast.TableOptionCompression, ast.TableOptionMaxRows, ast.TableOptionMinRows, ast.TableOptionDelayKeyWrite,
	ast.TableOptionRowFormat, ast.TableOptionStatsPersistent, ast.TableOptionStatsAutoRecalc,
	ast.TableOptionStatsSamplePages, ast.TableOptionKeyBlockSize, ast.TableOptionPackKeys, ast.TableOptionEncryption}

// tableOption judges the options of a new table.
func tableOption(o *ast.TableOption) judgment {
	switch {
	case !slices.Contains(tableOptions, o.Tp):
		return unjudged("nothing is known of a table with an option such as %s", clause(o))
	case o.Tp == ast.TableOptionEngine && !strings.EqualFold(o.StrValue, "InnoDB"):
		return unsafe("rows of a table of engine %s may be lost with a crash, a restart or a restored backup; leave "+
			"the engine to MySQL", cut(o.StrValue, longest))
	}
	return judgment{}
}

// longestText is how many characters a VARCHAR has at most in utf8mb4, and unicodeless the character sets of one byte
// (https://dev.mysql.com/doc/refman/8.4/en/column-count-limit.html).
const longestText = 16383

var unicodeless = []string{"ascii", "binary", "latin1"}

// integers are the largest values of types with a sign, by the type.
var integers = map[byte]float64{mysql.TypeTiny: math.MaxInt8, mysql.TypeShort: math.MaxInt16,
	mysql.TypeInt24: 1<<23 - 1, mysql.TypeLong: math.MaxInt32, mysql.TypeLonglong: math.MaxInt64}

// refusedColumn tells why MySQL refuses a column that the parser takes; empty: it does not, as far as is known here
// (https://dev.mysql.com/doc/refman/8.4/en/data-type-defaults.html).
func refusedColumn(c *ast.ColumnDef) string {
	kind := c.Tp.GetType()
	if kind == mysql.TypeVarchar && c.Tp.GetFlen() > longestText && !slices.Contains(unicodeless, c.Tp.GetCharset()) {
		return fmt.Sprintf("a VARCHAR of more than %d characters is too long for MySQL: take TEXT", longestText)
	}
	for _, o := range c.Options {
		if o.Tp != ast.ColumnOptionDefaultValue && o.Tp != ast.ColumnOptionOnUpdate {
			continue
		}
		if call, is := o.Expr.(*ast.FuncCallExpr); is && call.FnName.L == ast.CurrentTimestamp {
			if why := refusedClock(c, call); why != "" {
				return why
			}
			continue
		}
		text, known := literal(o.Expr)
		if why := refusedDefault(c, text); known && why != "" {
			return fmt.Sprintf("MySQL refuses %s as a default here: %s", clause(o.Expr), why)
		}
	}
	return ""
}

// refusedClock tells why a column cannot have the present time.
func refusedClock(c *ast.ColumnDef, call *ast.FuncCallExpr) string {
	if kind := c.Tp.GetType(); kind != mysql.TypeDatetime && kind != mysql.TypeTimestamp {
		return "MySQL has the present time as a default for DATETIME and TIMESTAMP only"
	}
	asked := "0"
	if len(call.Args) > 0 {
		asked, _ = literal(call.Args[0])
	}
	if has := strconv.Itoa(max(0, c.Tp.GetDecimal())); has != asked {
		return fmt.Sprintf("MySQL refuses the present time as a default unless it has as many digits as the column "+
			"(%s): write CURRENT_TIMESTAMP(%s)", has, has)
	}
	return ""
}

// literal is a value as it is written, and whether it is one that is not NULL.
func literal(e ast.ExprNode) (string, bool) {
	switch e := e.(type) {
	case ast.ValueExpr:
		switch v := e.GetValue().(type) {
		case nil:
			return "", false
		case string:
			return v, true
		case []byte:
			return string(v), true
		default:
			return fmt.Sprint(v), true
		}
	case *ast.UnaryOperationExpr:
		text, known := literal(e.V)
		return "-" + text, known
	}
	return "", false
}

// datelike is how a day begins a time.
var datelike = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)

// refusedDefault tells why a value is no default of a column.
func refusedDefault(c *ast.ColumnDef, text string) string {
	switch kind := c.Tp.GetType(); kind {
	case mysql.TypeTinyBlob, mysql.TypeBlob, mysql.TypeMediumBlob, mysql.TypeLongBlob, mysql.TypeJSON,
		mysql.TypeGeometry:
		return "a column of type BLOB, TEXT, JSON or GEOMETRY has one only as an expression, in parentheses"
	case mysql.TypeTiny, mysql.TypeShort, mysql.TypeInt24, mysql.TypeLong, mysql.TypeLonglong:
		n, err := strconv.ParseFloat(text, 64)
		low, high := -integers[kind]-1, integers[kind]
		if mysql.HasUnsignedFlag(c.Tp.GetFlag()) {
			low, high = 0, 2*high+1
		}
		if err != nil || n < low || n > high {
			return "it is out of the column's range"
		}
	case mysql.TypeNewDecimal, mysql.TypeFloat, mysql.TypeDouble:
		n, err := strconv.ParseFloat(text, 64)
		whole := c.Tp.GetFlen() - max(0, c.Tp.GetDecimal())
		if err != nil || kind == mysql.TypeNewDecimal && whole > 0 && math.Abs(n) >= math.Pow10(whole) {
			return "it is out of the column's range"
		}
	case mysql.TypeVarchar, mysql.TypeString, mysql.TypeVarString:
		if most := c.Tp.GetFlen(); most >= 0 && len([]rune(text)) > most {
			return "it is longer than the column"
		}
	case mysql.TypeEnum:
		if !slices.ContainsFunc(c.Tp.GetElems(), func(e string) bool { return strings.EqualFold(e, text) }) {
			return "the column does not have it"
		}
	case mysql.TypeDate, mysql.TypeDatetime, mysql.TypeTimestamp:
		if day := datelike.FindString(text); day != "" {
			if _, err := time.Parse(time.DateOnly, day); err != nil {
				return "it is no date"
			}
		}
	}
	return ""
}
