package memory

import (
	"slices"
	"strings"
)

// ordered is a map with sorted keys. Ids are time-ordered, so an insertion nearly
// always appends.
type ordered[V any] struct {
	byID map[string]V
	ids  []string
}

func newOrdered[V any]() ordered[V] { return ordered[V]{byID: make(map[string]V)} }

func (o *ordered[V]) has(id string) bool {
	_, ok := o.byID[id]
	return ok
}

// insert adds a value under a new id. It clones the id, because a substring would keep
// a whole request in memory.
func (o *ordered[V]) insert(id string, v V) {
	id = strings.Clone(id)
	i, _ := slices.BinarySearch(o.ids, id)
	o.ids = slices.Insert(o.ids, i, id)
	o.byID[id] = v
}

// after returns the first values, at most limit, that have a greater id and for which
// keep returns true.
func (o *ordered[V]) after(id string, limit int, keep func(V) bool) []V {
	i, found := slices.BinarySearch(o.ids, id)
	if found {
		i++
	}
	var values []V
	for ; i < len(o.ids) && len(values) < limit; i++ {
		if v := o.byID[o.ids[i]]; keep(v) {
			values = append(values, v)
		}
	}
	return values
}

// remove deletes at most limit values for which over returns true, and returns how
// many it deleted.
func (o *ordered[V]) remove(limit int, over func(V) bool) (removed int) {
	o.ids = slices.DeleteFunc(o.ids, func(id string) bool {
		if removed >= limit || !over(o.byID[id]) {
			return false
		}
		delete(o.byID, id)
		removed++
		return true
	})
	return removed
}
