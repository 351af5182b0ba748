import { unsigned } from './scan.js';

/** Month words of `ls` in the languages servers run in, January first; variants separated by `|`. */
const TABLE = [
  'jan feb mar apr may jun jul aug sep|sept oct nov dec',
  'january february march april may june july august september october november december',
  'jan|jän|jaen|jänner feb märz|mrz|maerz|mär apr mai juni jun|juli aug sep|sept okt nov dez',
  'janv|janvier fév|févr|février mars avr|avril mai juin juil|juillet août|aout sept|septembre octobre novembre déc|décembre',
  'ene|enero feb|febrero mar|marzo abr|abril may|mayo jun|junio jul|julio ago|agosto sep|septiembre octubre nov|noviembre dic|diciembre',
  'gen febbraio marzo aprile mag|maggio giu|giugno lug|luglio ago set|settembre ott|ottobre nov dic|dicembre',
  'janeiro fev|fevereiro março abr maio junho julho agosto set|setembro out|outubro novembro dez|dezembro',
  'jan feb mrt|maart apr mei jun jul aug sep okt nov dec',
  'jan feb mars apr maj|mai juni juli aug sep okt nov dec|des',
  'tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu',
  'sty lut mar kwi maj cze lip sie wrz paź lis gru',
  'led úno bře dub kvě čer čvc srp zář říj lis pro',
  'jan febr márc ápr máj jún júl aug szept|szep okt nov dec',
  'ian feb mar apr mai iun iul aug sep oct noi|noiem dec',
  'oca şub mar nis may haz tem ağu eyl eki kas ara',
  'янв|января фев|февр|февраля мар|марта апр|апреля май|мая июн|июня июл|июля авг|августа сен|сент|сентября окт|октября ноя|нояб|ноября дек|декабря',
  'січ лют бер кві тра чер лип сер вер жов лис гру',
  'ιαν φεβ μαρ|μάρ απρ μαι|μάι|μαΐ ιουν|ιούν ιουλ|ιούλ αυγ|αύγ σεπ οκτ νοε|νοέ δεκ',
];

function fold(word: string): string {
  return word.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
}

function buildTable(): ReadonlyMap<string, number> {
  const months = new Map<string, number>();
  for (const row of TABLE) {
    row.split(' ').forEach((cell, index) => {
      for (const word of cell.split('|')) {
        for (const key of [word, fold(word)]) {
          if (!months.has(key)) months.set(key, index + 1);
        }
      }
    });
  }
  return months;
}

const MONTHS = buildTable();
/** The longest word of the table is far shorter; longer words are no months. */
const LONGEST = 16;

/** 1 to 12 for a month word of any known language (`Jan`, `févr.`, `10月`, `3월`), else undefined. */
export function monthNumber(word: string): number | undefined {
  if (word.length === 0 || word.length > LONGEST) return undefined;
  const last = word.at(-1);
  if (last === '月' || last === '월') {
    const month = unsigned(word.slice(0, -1)) ?? 0;
    return month >= 1 && month <= 12 ? month : undefined;
  }
  const bare = last === '.' || last === ',' ? word.slice(0, -1) : word;
  return MONTHS.get(bare.toLowerCase()) ?? MONTHS.get(fold(bare));
}
