package markdown

import "testing"

func TestTable(t *testing.T) {
	table := NewTable("", "What", "$:")
	table.Row("+", Text("a <b>\nc"), "1|2")
	table.Row("", "`<d>`", "3")
	want := "| | What | $ |\n| --- | --- | ---: |\n| + | a &lt;b&gt; c | 1\\|2 |\n| | `<d>` | 3 |\n"
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
