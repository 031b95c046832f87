// Command histories decides whether the calls that users made of each order are linearizable: whether one order of the
// calls exists that respects their times and in which the order is placed at most once, every read sees what was
// written before it, and the status only moves forward. loadtests/history.py writes its input, one JSON line per call.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const limit = 30 * time.Second // for one order

// call is one call of one user, as far as it concerns one order. Times are in nanoseconds.
type call struct {
	Order  string `json:"order"` // customer and idempotency key
	Client int    `json:"client"`
	Kind   string `json:"kind"` // place, read, or event
	ID     string `json:"id"`   // of the stored order; empty if the call was not answered
	Rank   int    `json:"rank"` // of the status: 0 absent, 1 placed, 2 accepted, 3 shipped
	Begun  int64  `json:"begun"`
	Ended  int64  `json:"ended"` // 0 if the call was not answered
}

type state struct {
	id   string // empty as long as only unanswered calls may have placed the order
	rank int
}

type verdict struct {
	Orders     int        `json:"orders"`
	Calls      int        `json:"calls"`
	Violations [][]string `json:"violations"` // the calls of each order that no order of them explains
	Undecided  []string   `json:"undecided"`
}

func step(before, input, _ interface{}) (bool, interface{}) {
	now, made := before.(state), input.(call)
	same := now.id == "" || made.ID == "" || now.id == made.ID
	after := state{now.id, max(now.rank, made.Rank)}
	if made.ID != "" {
		after.id = made.ID
	}
	switch made.Kind {
	case "place":
		return same, after
	case "read": // it may see that the order has moved on by itself, never that it has moved back
		if made.Rank == 0 {
			return now.rank == 0, now
		}
		return now.rank > 0 && same && made.Rank >= now.rank, after
	case "event": // the order has had this status; it may have moved on since
		return now.rank > 0 && same, after
	}
	panic("a call of the kind " + made.Kind)
}

func describe(made call) string {
	text := fmt.Sprintf("client %d: %s %s rank %d from %d to %d", made.Client, made.Kind, made.ID, made.Rank, made.Begun, made.Ended)
	if made.Ended == 0 {
		return text + " (no answer)"
	}
	return text
}

func main() {
	orders := map[string][]porcupine.Operation{}
	found := verdict{Violations: [][]string{}, Undecided: []string{}}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var made call
		if err := json.Unmarshal(lines.Bytes(), &made); err != nil {
			fmt.Fprintf(os.Stderr, "line %d is not a call: %v\n", found.Calls+1, err)
			os.Exit(2)
		}
		found.Calls++
		end := made.Ended
		if end == 0 {
			end = math.MaxInt64 // it may take effect at any time, also never
		}
		orders[made.Order] = append(orders[made.Order], porcupine.Operation{ClientId: made.Client, Input: made, Call: made.Begun, Return: end})
	}
	model := porcupine.Model{Init: func() interface{} { return state{} }, Step: step}
	for order, calls := range orders {
		found.Orders++
		switch porcupine.CheckOperationsTimeout(model, calls, limit) {
		case porcupine.Illegal:
			sort.Slice(calls, func(i, j int) bool { return calls[i].Call < calls[j].Call })
			texts := []string{order}
			for _, one := range calls {
				texts = append(texts, describe(one.Input.(call)))
			}
			found.Violations = append(found.Violations, texts)
		case porcupine.Unknown:
			found.Undecided = append(found.Undecided, order)
		}
	}
	json.NewEncoder(os.Stdout).Encode(found)
	if len(found.Violations)+len(found.Undecided) > 0 {
		os.Exit(1)
	}
}
