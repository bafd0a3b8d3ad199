package panelserver

import (
	"errors"
	"strconv"
	"time"
)

// handIP is where a person on the panel's web page sits.
const handIP = "198.51.100.200"

// byHand does what somebody does on the panel's web page: by the same rules, seen
// in history and expenses, not in the ledger of calls.
func (s *Server) byHand(user, elid string, do func(a *account, now time.Time, by actor, r *record) *Refusal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	s.account.settle(now)
	r, refusal := s.account.find(Soft, elid)
	if refusal == nil && s.busy[elid] {
		refusal = running(elid)
	}
	if refusal == nil {
		refusal = do(s.account, now, actor{user, handIP}, r)
	}
	if refusal != nil {
		return errors.New("panelserver: " + refusal.String())
	}
	s.wake()
	return nil
}

// RenewByHand has somebody renew a licence on the panel's web page, and pay for it.
func (s *Server) RenewByHand(elid string, period int, user string) error {
	return s.byHand(user, elid, func(a *account, now time.Time, by actor, r *record) *Refusal {
		_, refusal := a.renew(now, by, r, strconv.Itoa(period))
		return refusal
	})
}

// EditByHand has somebody set a licence's address and name on the web page.
func (s *Server) EditByHand(elid, ip, name, user string) error {
	return s.byHand(user, elid, func(a *account, now time.Time, by actor, r *record) *Refusal {
		return a.edit(now, by, r, edit{name: name, hasName: true, ip: ip, hasIP: true})
	})
}

// NodesByHand has somebody set the count of nodes on the web page.
func (s *Server) NodesByHand(elid string, nodes int, user string) error {
	return s.byHand(user, elid, func(a *account, now time.Time, by actor, r *record) *Refusal {
		if r.product.Node == 0 {
			return &Refusal{Type: "value", Object: "addon"}
		}
		return a.edit(now, by, r, edit{
			name: r.Name, hasName: true, ip: r.IP, hasIP: true, addon: r.product.Node, nodes: nodes,
		})
	})
}

// SuspendByHand has somebody suspend a licence on the web page.
func (s *Server) SuspendByHand(elid, user string) error {
	return s.byHand(user, elid, func(a *account, now time.Time, by actor, r *record) *Refusal {
		return a.pause(now, by, r, true)
	})
}

// DeleteByHand has somebody delete a licence on the web page.
func (s *Server) DeleteByHand(elid, user string) error {
	return s.byHand(user, elid, (*account).delete)
}

// OrderByHand has somebody buy a licence on the web page, and gives its code.
func (s *Server) OrderByHand(product int, ip, name string, period int, user string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	s.account.settle(now)
	p := s.account.products[product]
	if p == nil {
		return "", errors.New("panelserver: no product " + strconv.Itoa(product))
	}
	got, refusal := s.account.order(now, actor{user, handIP}, order{
		family: p.Family, product: strconv.Itoa(product), period: strconv.Itoa(period), ip: ip, name: name,
	})
	if refusal != nil {
		return "", errors.New("panelserver: " + refusal.String())
	}
	s.wake()
	return got.id, nil
}
