// Tells the shop what the visitor does, so that the next page takes it into account.

const page = document.body.dataset;
const toast = document.getElementById("said");

function shopper() {
  return page.user ? { user_id: page.user } : { session_id: page.session };
}

async function tell(eventType, { item, list, position }) {
  const event = { ...shopper(), item_id: item, event_type: eventType };
  if (list) event.list_id = list;
  if (position) event.position = Number(position);
  const answer = await fetch("/v1/events", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event),
    keepalive: true,
  });
  const told = await answer.json();
  if (told.accepted !== 1) throw new Error("not accepted");
}

function say(text) {
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.hidden = true; }, 4000);
}

const SAID = { add_to_cart: page.saidAddToCart, purchase: page.saidPurchase };

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-event]");
  if (!button) return;
  button.disabled = true;
  try {
    await tell(button.dataset.event, button.parentElement.dataset);
    say(SAID[button.dataset.event]);
  } catch {
    say(page.saidFailed);
  } finally {
    button.disabled = false;
  }
});

if (page.item) tell("view", page).catch(() => {});
