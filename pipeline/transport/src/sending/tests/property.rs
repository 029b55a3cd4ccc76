//! Whatever the destination does: what was acknowledged is delivered or still queued, and nothing is delivered twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What happens to one attempt.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Taken,
    Away,
    Busy,
    Never,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![4 => Just(Fate::Taken), 2 => Just(Fate::Away), 1 => Just(Fate::Busy), 1 => Just(Fate::Never)]
}

fn settings() -> impl Strategy<Value = QueueSettings> {
    let batch = prop_oneof![Just(None), (1..12_i64, 0..6_i64).prop_map(Some)];
    (1..4_i64, 1..30_i64, any::<bool>(), any::<bool>(), batch).prop_map(
        |(num_consumers, queue_size, waits, blocks, batch)| {
            let batch = batch.map(|(min_size, more)| BatchSettings {
                min_size,
                max_size: if more == 0 { 0 } else { min_size + more - 1 },
                ..BatchSettings::default()
            });
            QueueSettings {
                num_consumers,
                queue_size,
                sizer: Some(Sizer::Items),
                wait_for_result: waits,
                block_on_overflow: blocks,
                batch: batch.map_or_else(|| queue().batch, Toggle::on),
            }
        },
    )
}

/// Answers by fate and keeps a ledger.
struct Fickle {
    fates: RefCell<VecDeque<Fate>>,
    taken: Rc<RefCell<BTreeMap<String, usize>>>,
    refused: Rc<RefCell<BTreeSet<String>>>,
}

impl Delivery for Fickle {
    async fn deliver(&self, batch: Batch) -> Result<(), DeliveryError> {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let fate = self.fates.borrow_mut().pop_front().unwrap_or(Fate::Taken);
        match fate {
            Fate::Taken => {
                for name in names(&batch) {
                    *self.taken.borrow_mut().entry(name).or_default() += 1;
                }
                Ok(())
            }
            Fate::Away => Err(away()),
            Fate::Busy => Err(DeliveryError::Throttled { after: Duration::from_secs(2), reason: "busy".into() }),
            Fate::Never => {
                self.refused.borrow_mut().extend(names(&batch));
                Err(DeliveryError::Permanent("never".into()))
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_delivered_twice(
        settings in settings(),
        arrivals in prop::collection::vec((1..7_usize, 0..120_u64), 1..40),
        fates in prop::collection::vec(fate(), 0..60),
    ) {
        story(async {
            let (taken, refused) = (Rc::<RefCell<BTreeMap<String, usize>>>::default(), Rc::<RefCell<BTreeSet<String>>>::default());
            let fickle = Fickle { fates: RefCell::new(fates.into()), taken: Rc::clone(&taken), refused: Rc::clone(&refused) };
            let context = BuildContext::new(Arc::new(SteppedClock::at(1)), Budget::new(1 << 20), 1);
            let forever = RetrySettings { max_elapsed_time: GoDuration::seconds(0), ..retry() };
            let sending = Sending::new(fickle, Some(&settings), Some(&forever), None, &context);

            let mut answers = Vec::new();
            for (number, (items, pause)) in arrivals.into_iter().enumerate() {
                let names: Vec<String> = (0..items).map(|item| format!("{number}-{item}")).collect();
                let (ack, answer): (Ack, Answer) = promise();
                sending.accept(spans(&names.iter().map(String::as_str).collect::<Vec<_>>()), ack);
                answers.push((names, answer));
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            // Past every retry, so that stopping cuts no wait short.
            tokio::time::sleep(Duration::from_secs(3600)).await;
            sending.stop().await;

            let (taken, refused) = (taken.take(), refused.take());
            for (names, answer) in answers {
                let answer = answer.await;
                let delivered = names.iter().filter(|name| taken.contains_key(*name)).count();
                let given_up = names.iter().any(|name| refused.contains(name));
                match answer {
                    Ok(()) if settings.wait_for_result => assert_eq!(delivered, names.len(), "{names:?} was promised"),
                    Ok(()) => assert!(delivered == names.len() || given_up, "{names:?} was lost"),
                    Err(Refusal::Overload { .. }) => assert_eq!(delivered, 0, "{names:?} was refused"),
                    Err(_) => assert!(given_up && settings.wait_for_result, "{names:?} was refused for nothing"),
                }
            }
            assert!(taken.values().all(|times| *times == 1), "{taken:?}");
            assert_eq!(context.budget.used(), 0);
        });
    }
}
