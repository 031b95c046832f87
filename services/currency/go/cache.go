package main

import (
	"context"
	"sync"
	"time"
)

const (
	cacheTime = 500 * time.Millisecond // another process's import is seen within the second that is promised
	cacheDays = 64
)

// reading is one day's read, under way or done, and when it expires.
type reading struct {
	day   string
	until time.Time
	done  chan struct{}
	found *found
	err   error
}

// cachedRates reads each day at most twice a second, however many ask; a failure is not kept.
type cachedRates struct {
	read     func(context.Context, *time.Time) (*found, error)
	lock     sync.Mutex
	readings map[string]*reading
	order    []*reading // by age
}

func newCachedRates(read func(context.Context, *time.Time) (*found, error)) *cachedRates {
	return &cachedRates{read: read, readings: map[string]*reading{}}
}

// find returns what the store found, at most half a second ago. A caller that gives up ends no read that others wait for.
func (c *cachedRates) find(ctx context.Context, on *time.Time) (*found, error) {
	one := c.reading(ctx, on)
	select {
	case <-one.done:
		return one.found, one.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cachedRates) reading(ctx context.Context, on *time.Time) *reading {
	day := ""
	if on != nil {
		day = isoDay(*on)
	}
	now := time.Now()
	c.lock.Lock()
	defer c.lock.Unlock()
	if one := c.readings[day]; one != nil && now.Before(one.until) {
		return one
	}
	one := &reading{day: day, until: now.Add(cacheTime), done: make(chan struct{})}
	c.readings[day], c.order = one, append(c.order, one)
	for len(c.readings) > cacheDays || !now.Before(c.order[0].until) {
		c.remove(c.order[0])
		c.order = c.order[1:]
	}
	go c.complete(context.WithoutCancel(ctx), one, on)
	return one
}

func (c *cachedRates) complete(ctx context.Context, one *reading, on *time.Time) {
	one.found, one.err = c.read(ctx, on)
	close(one.done)
	if one.err != nil {
		c.lock.Lock()
		defer c.lock.Unlock()
		c.remove(one)
	}
}

// remove forgets a reading, unless a newer one of that day is there.
func (c *cachedRates) remove(one *reading) {
	if c.readings[one.day] == one {
		delete(c.readings, one.day)
	}
}
